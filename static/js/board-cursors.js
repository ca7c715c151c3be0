import { el, setAttribute } from './dom.js';
import { tint } from './names.js';

/** Somebody who has not moved for so long is not pointed out any more, in milliseconds. */
const RESTS = 6_000;

/** Where the others point, each with their name. */
export class BoardCursors {
  #layer;
  #view;
  #cursors = new Map();

  constructor(layer, view) {
    this.#layer = layer;
    this.#view = view;
    view.on('moved', () => this.#cursors.forEach((cursor) => this.#place(cursor)));
  }

  /** Somebody points there, in the board's units. */
  show({ id, name }, x, y) {
    const cursor = this.#cursors.get(id) ?? this.#add(id);
    Object.assign(cursor, { x, y });
    setAttribute(cursor.element, 'class', `board-cursor ${tint(name)}`);
    if (cursor.label.textContent !== name) cursor.label.textContent = name;
    this.#place(cursor);
    clearTimeout(cursor.timer);
    cursor.timer = setTimeout(() => this.hide(id), RESTS);
  }

  hide(id) {
    const cursor = this.#cursors.get(id);
    if (!cursor) return;
    clearTimeout(cursor.timer);
    cursor.element.remove();
    this.#cursors.delete(id);
  }

  #add(id) {
    const label = el('span', { class: 'board-cursor-name', dir: 'auto' });
    const cursor = { element: el('div', { 'aria-hidden': 'true' }, label), label, x: 0, y: 0, timer: null };
    this.#layer.append(cursor.element);
    this.#cursors.set(id, cursor);
    return cursor;
  }

  #place({ element, x, y }) {
    const [left, top] = this.#view.toWindow(x, y);
    element.style.transform = `translate(${left}px, ${top}px)`;
  }
}
