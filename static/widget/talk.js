import { el } from '../js/dom.js';
import { linkedText } from '../js/linked-text.js';

const log = document.getElementById('log');
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** What was said, in its present state, and what has become of the conversation. */
export class Talk {
  #said = new Map();
  #pending = new Map();

  clear() {
    log.replaceChildren();
    this.#said.clear();
    this.#pending.clear();
  }

  /** Shows an entry; says whether it is something that others said or did. */
  take(entry, me) {
    const { type, kind, seq, target } = entry;
    if (type === 'edit') this.#change(target, { text: entry.text });
    else if (type === 'delete') this.#change(target, { deleted: entry.at });
    else if (type === 'message' && kind.startsWith('desk.')) return this.#event(entry);
    else if (type === 'message') {
      const text = kind === 'text' ? entry.text : entry.data?.text;
      if (text === undefined && !entry.deleted) return false;
      this.#put(seq, { ...entry, text, isOwn: entry.user.id === me });
      return entry.user.id !== me;
    }
    return false;
  }

  /** Shows what is not sent yet. */
  pend({ key, text, state, reason }) {
    this.#pending.get(key)?.remove();
    this.#pending.delete(key);
    if (state === 'sent') return;
    const element = bubble({ text, isOwn: true, note: reason ?? 'Sending…' });
    element.classList.add(state);
    this.#pending.set(key, element);
    this.#add(element);
  }

  #put(seq, message) {
    const before = this.#said.get(seq);
    const element = bubble({ ...message, note: clock.format(message.at) });
    this.#said.set(seq, { message, element });
    if (before) before.element.replaceWith(element);
    else this.#add(element);
  }

  #change(seq, changes) {
    const said = this.#said.get(seq);
    if (said && !said.message.deleted) this.#put(seq, { ...said.message, ...changes });
  }

  #event({ kind, user, data }) {
    const name = data?.agent?.name ?? user.name;
    const sentence = {
      'desk.taken': `${name} is with you now.`,
      'desk.waiting': 'You are back in the queue; somebody will be with you soon.',
      'desk.closed': `${name} has closed this conversation. Write again if there is anything else.`,
    }[kind];
    if (sentence) this.#add(el('p', { class: 'event' }, sentence));
    return Boolean(sentence);
  }

  // What is not sent yet stays last; who reads further up is left there.
  #add(element) {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    const [first] = this.#pending.values();
    if (first && !element.matches('.sending, .failed')) first.before(element);
    else log.append(element);
    if (isAtEnd || element.classList.contains('own')) log.scrollTop = log.scrollHeight;
  }
}

function bubble({ text, isOwn, user, deleted, note }) {
  const who = isOwn ? [] : [el('b', { dir: 'auto' }, user.name)];
  const words = deleted ? ['(deleted)'] : linkedText(text);
  return el('div', { class: isOwn ? 'said own' : 'said' }, ...who, el('p', { dir: 'auto' }, ...words), el('small', {}, note));
}
