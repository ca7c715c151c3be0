import { el, setAttribute } from './dom.js';
import { linkedText } from './linked-text.js';
import { tint } from './names.js';
import { ReactionChips } from './reaction-chips.js';
import { showSign } from './sign.js';
import { clock, fullDate } from './when.js';

const STATES = { sending: 'Sending…', sent: 'Sent', failed: 'Not sent' };

const ACTIONS = {
  react: ['React', '☺'],
  edit: ['Edit', '✎'],
  delete: ['Delete', '✕'],
  profile: ['Who is this?', 'i'],
  report: ['Report', '⚑'],
  remove: ['Remove', '✕'],
};

/** What of an item decides how the message is shown. */
const PARTS = ['message', 'isGrouped', 'state', 'wait', 'canRemove', 'profile'];

/** One message in the log: `update(item)` shows an item of `logItems` in its `element`. */
export class MessageView {
  #shown = {};
  #name = el('span', { class: 'name', dir: 'auto' });
  #role = el('span', { class: 'mark strong', hidden: true }, 'Staff');
  #time = el('time');
  #edited = el('span', { class: 'edited', hidden: true }, 'edited');
  #text = el('div', { class: 'text', dir: 'auto' });
  #reactions = new ReactionChips();
  #state = el('p', { class: 'message-state' });
  #actions = el('div', { class: 'message-actions', role: 'group', 'aria-label': 'Message actions' });
  #sign = el('span', { class: 'sign', 'aria-hidden': 'true' });
  #offered;
  #session;

  constructor(session) {
    this.#session = session;
    const meta = el('header', { class: 'message-meta' }, this.#name, this.#role, this.#time, this.#edited);
    const bubble = el('div', { class: 'bubble' }, meta, this.#text, this.#actions);
    this.element = el('article', { tabindex: '-1' }, this.#sign, bubble, this.#reactions.element, this.#state);
  }

  /** Shows an item; what has not changed since the last one is left alone. */
  update(item) {
    const { message } = item;
    const last = this.#shown;
    if (PARTS.every((part) => last[part] === item[part])) return;
    this.#shown = item;
    this.#showFrame(message, item);
    this.#showState(item);
    this.#showActions(message, item);
    showSign(this.#sign, message.user.name, item.profile);
    if (last.message === message) return;
    this.#showMeta(message);
    this.#showBody(message);
    this.#reactions.update(message.reactions ?? {}, this.#session.user);
  }

  #showFrame({ seq, key, user, deleted, kind }, { isOwn, isGrouped, state, profile }) {
    const marks = { own: isOwn, grouped: isGrouped, deleted: Boolean(deleted), staff: kind === 'staff' };
    const classes = ['message', tint(user.name, profile?.colour), ...Object.keys(marks).filter((mark) => marks[mark])];
    setAttribute(this.element, 'class', classes.join(' '));
    setAttribute(this.element, 'data-seq', seq);
    setAttribute(this.element, 'data-key', seq === null ? key : null);
    setAttribute(this.element, 'data-state', state);
  }

  #showMeta({ user, at, edited, deleted, kind }) {
    this.#name.textContent = user.name;
    this.#role.hidden = kind !== 'staff';
    this.#time.textContent = clock(at);
    setAttribute(this.#time, 'datetime', new Date(at).toISOString());
    setAttribute(this.#time, 'title', fullDate(at));
    this.#edited.hidden = !edited || Boolean(deleted);
    setAttribute(this.#edited, 'title', edited ? fullDate(edited) : null);
  }

  #showBody({ text = undefined, kind, data, deleted }) {
    if (kind === 'staff' && !deleted) this.#text.replaceChildren(...linkedText(data.text));
    else if (deleted) this.#text.textContent = 'Message deleted';
    else if (text === undefined) this.#text.textContent = `A message of the kind “${kind}”, which this page cannot show`;
    else this.#text.replaceChildren(...linkedText(text));
  }

  // The seconds stand apart, so that a screen reader does not count them aloud.
  #showState({ state, reason, wait, isOwn }) {
    this.#state.hidden = !isOwn || !state;
    const label = wait ? 'Waiting' : (STATES[state] ?? '');
    this.#state.replaceChildren(el('span', {}, reason ? `${label}: ${reason}` : label));
    if (wait) this.#state.append(el('span', { 'aria-hidden': 'true' }, ` (${wait} s)`));
    if (state !== 'failed') return;
    this.#state.append(button('retry', 'Try again'), button('discard', 'Discard'));
  }

  /** Builds the buttons anew only when others are offered: one of them may have the focus, or its picker open. */
  #showActions(message, item) {
    const offered = actionsFor(message, item);
    if (offered.join() === this.#offered) return;
    this.#offered = offered.join();
    this.#actions.hidden = offered.length === 0;
    this.#actions.replaceChildren(...offered.map((name) => iconButton(name, ...ACTIONS[name])));
  }
}

function actionsFor({ seq, text, deleted }, { isOwn, canRemove }) {
  if (seq === null || deleted) return [];
  if (isOwn) return ['react', ...(text === undefined ? [] : ['edit']), 'delete'];
  return ['react', 'profile', 'report', ...(canRemove ? ['remove'] : [])];
}

function button(name, label) {
  return el('button', { type: 'button', class: `${name} text-button` }, label);
}

function iconButton(name, label, icon) {
  return el('button', { type: 'button', class: `${name} action`, 'aria-label': label, title: label }, icon);
}
