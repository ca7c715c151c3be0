import { call } from './api.js';
import { byId, el, setAttribute } from './dom.js';
import { Emitter } from './emitter.js';
import { duration, moment } from './when.js';

const STATES = ['waiting', 'taken', 'closed'];
const NOTHING = { waiting: 'Nobody waits.', taken: 'No conversation is taken.', closed: 'None is closed yet.' };

/** How many conversations are asked for at once. */
const PAGE = 100;

/** How often the times in the list are brought up to date, in milliseconds. */
const REFRESH = 15_000;

/**
 * The conversations of a desk by their states, as they are now. Emits `chosen` (a conversation), `changed` (one whose
 * state or last message is another) and `counted` (how many wait for an answer of the one at this page).
 */
export class DeskQueue extends Emitter {
  #list = byId('queue');
  #conversations = new Map();
  #more = new Map();
  #state = 'waiting';
  #chosen = '';
  #desk = null;
  #me;

  /** `me`: the id of the agent at this page. */
  constructor(me) {
    super();
    this.#me = me;
    for (const button of this.#buttons) button.addEventListener('click', () => this.showState(button.dataset.state));
    byId('more-queue').addEventListener('click', () => this.#page(this.#state));
    this.#list.addEventListener('click', ({ target }) => this.#choose(target.closest('button')?.dataset.id));
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    setInterval(() => document.hidden || this.#show(), REFRESH);
  }

  /** Reads the queue of a desk anew. */
  async load(desk) {
    this.#desk = desk;
    this.#conversations.clear();
    for (const state of STATES) await this.#page(state);
  }

  get(id) {
    return this.#conversations.get(id);
  }

  /** Takes in a conversation as it has become. */
  take(conversation) {
    if (!this.#put(conversation)) return;
    this.#show();
    this.emit('changed', conversation);
  }

  /** Marks the conversation that is shown beside the list. */
  mark(id) {
    this.#chosen = id;
    this.#show();
  }

  showState(state) {
    this.#state = state;
    this.#show();
  }

  get #buttons() {
    return [...byId('desk-states').querySelectorAll('button')];
  }

  async #page(state) {
    const known = this.#of(state);
    const before = known.length ? { before: Math.min(...known.map(({ since }) => since)) } : {};
    const query = { state, limit: PAGE, ...(state === 'waiting' ? {} : before) };
    const { conversations, more } = await call('GET', `/api/desks/${this.#desk.name}/conversations`, { query });
    for (const conversation of conversations) this.#put(conversation);
    this.#more.set(state, more && state !== 'waiting');
    this.#show();
  }

  // What was read while something newer came is not put over it.
  #put(conversation) {
    const known = this.#conversations.get(conversation.id);
    const newer = known && (known.last.seq - conversation.last.seq || known.since - conversation.since);
    if (newer > 0) return false;
    this.#conversations.set(conversation.id, conversation);
    return true;
  }

  // Who waits the longest comes first; else what has changed last.
  #of(state) {
    const found = [...this.#conversations.values()].filter((conversation) => conversation.state === state);
    const order = state === 'waiting' ? 1 : -1;
    return found.sort((one, other) => order * (one.since - other.since));
  }

  #show() {
    for (const button of this.#buttons) {
      const { state } = button.dataset;
      setAttribute(button, 'aria-pressed', String(state === this.#state));
      const count = button.querySelector('.count');
      if (count) count.textContent = this.#of(state).length || '';
    }
    const rows = this.#of(this.#state);
    const focus = this.#list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.#list.replaceChildren(...rows.map((conversation) => this.#row(conversation)));
    if (focus) (this.#list.querySelector(`[data-id="${focus}"]`) ?? this.#list).focus();
    byId('no-queue').hidden = rows.length > 0;
    byId('no-queue').textContent = NOTHING[this.#state];
    byId('more-queue').hidden = !this.#more.get(this.#state);
    this.emit('counted', this.#of('waiting').length + this.#of('taken').filter((row) => this.#isOwed(row)).length);
  }

  #isOwed({ agent, unanswered }) {
    return agent?.id === this.#me && unanswered > 0;
  }

  #row({ id, visitor, state, since, last, agent, unanswered, away }) {
    const time = state === 'closed' ? moment(since) : duration(Math.max(1, (Date.now() - since) / 1_000));
    const facts = [
      state === 'waiting' ? `waits ${time}` : `${agent?.id === this.#me ? 'You' : (agent?.name ?? '')} · ${time}`,
      away && state === 'waiting' ? 'left a message' : '',
    ];
    const badge = unanswered && state !== 'closed' ? [el('span', { class: 'unread' }, String(unanswered))] : [];
    const head = el('span', { class: 'desk-row-head' }, el('bdi', { class: 'desk-row-name' }, visitor.name), ...badge);
    const said = el('span', { class: 'desk-row-said', dir: 'auto' }, `${last.by.id === visitor.id ? '' : '↩ '}${last.text}`);
    const line = el('span', { class: 'row-facts' }, facts.filter(Boolean).join(' · '));
    const current = id === this.#chosen ? 'true' : null;
    return el('li', {}, el('button', { type: 'button', 'data-id': id, 'aria-current': current }, head, said, line));
  }

  #choose(id) {
    const conversation = this.#conversations.get(id);
    if (conversation) this.emit('chosen', conversation);
  }

  #key(event) {
    const rows = [...this.#list.querySelectorAll('button')];
    const here = rows.indexOf(document.activeElement);
    const to = { ArrowDown: rows[here + 1], ArrowUp: rows[here - 1], Home: rows[0], End: rows.at(-1) }[event.key];
    if (!to) return;
    event.preventDefault();
    to.focus();
  }
}
