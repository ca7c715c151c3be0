import { el } from './dom.js';
import { linkedText } from './linked-text.js';
import { namesInWords } from './names.js';
import { clock, dayName, fullDate } from './when.js';

/** A line between messages: `element`, and `update(item)` as a message has it. */
class Line {
  #write;

  constructor(className, write) {
    this.element = el('div', { class: className });
    this.#write = write;
  }

  update(item) {
    this.#write(this.element, item);
  }
}

const LINES = {
  top: ['log-top', showTop],
  gap: ['gap-line', showGap],
  day: ['day', showDay],
  presence: ['presence-line', showPresence],
  event: ['presence-line', showEvent],
  aside: ['aside', showAside],
};

/** The view for an item of `logItems` that is no message. */
export function lineFor(kind) {
  return new Line(...LINES[kind]);
}

function showTop(element, { isLoading, hasOlder }) {
  const shown = isLoading ? 'loading' : hasOlder ? 'older' : 'start';
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  if (shown === 'older') element.replaceChildren(textButton('load-older', 'Load older messages'));
  else element.replaceChildren(shown === 'start' ? 'This is where the room begins.' : 'Loading…');
}

function showGap(element, { gap: [from, to] }) {
  if (element.dataset.to === String(to)) return;
  Object.assign(element.dataset, { from, to });
  element.replaceChildren('Some messages are missing here. ', textButton('load-gap', 'Load them'));
}

function showDay(element, { at }) {
  const name = dayName(at);
  if (element.textContent === name) return;
  element.replaceChildren(el('span', { title: fullDate(at) }, name));
}

function showPresence(element, { notes }) {
  const text = ['joined', 'left']
    .map((kind) => [kind, [...new Set(notes.filter((note) => note.kind === kind).map(({ user }) => user.name))]])
    .filter(([, names]) => names.length)
    .map(([kind, names]) => `${namesInWords(names)} ${kind}`)
    .join(' · ');
  if (element.textContent === text) return;
  element.replaceChildren(el('bdi', {}, text));
}

const EVENTS = {
  'desk.taken': ({ user, data }) => `${data?.agent?.name ?? user.name} took over`,
  'desk.waiting': ({ user }) => `${user.name} handed the conversation back to the queue`,
  'desk.closed': ({ user }) => `${user.name} closed the conversation`,
};

function showEvent(element, { message }) {
  const words = EVENTS[message.kind]?.(message) ?? message.kind;
  element.replaceChildren(el('bdi', {}, words), ` · ${clock(message.at)}`);
}

function showAside(element, { note: { at, by, text } }) {
  if (element.hasChildNodes()) return;
  const head = el('header', { class: 'message-meta' }, el('strong', { dir: 'auto' }, by.name), `note · ${clock(at)}`);
  element.replaceChildren(head, el('div', { class: 'text', dir: 'auto' }, ...linkedText(text)));
}

function textButton(name, label) {
  return el('button', { type: 'button', class: `${name} text-button` }, label);
}
