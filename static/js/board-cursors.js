import { el, setAttribute } from './dom.js';
import { tint } from './names.js';

/** Somebody who has not moved for so long is not pointed out any more, in milliseconds. */
const RESTS = 6_000;

/** Where the others point, each with their name. */
export class BoardCursors {
  #layer;
  #view;
  #cursors = new Map();
  #moved = new Set();

  constructor(layer, view) {
    this.#layer = layer;
    this.#view = view;
    view.on('moved', () => this.#cursors.forEach((cursor) => this.#moved.add(cursor)));
    setInterval(() => this.#hideResting(), RESTS / 4);
  }

  /** Somebody points there, in the board's units: from the next frame on. */
  show({ id, name }, x, y) {
    const cursor = this.#cursors.get(id) ?? this.#add(id);
    Object.assign(cursor, { x, y, at: performance.now() });
    this.#moved.add(cursor);
    if (cursor.name === name) return;
    cursor.name = cursor.label.textContent = name;
    setAttribute(cursor.element, 'class', `board-cursor ${tint(name)}`);
  }

  hide(id) {
    this.#cursors.get(id)?.element.remove();
    this.#cursors.delete(id);
  }

  /** Moves those that have moved. */
  frame() {
    for (const { element, x, y } of this.#moved) {
      const [left, top] = this.#view.toWindow(x, y);
      element.style.transform = `translate(${left}px, ${top}px)`;
    }
    this.#moved.clear();
  }

  #hideResting() {
    for (const [id, { at }] of this.#cursors) if (performance.now() - at > RESTS) this.hide(id);
  }

  #add(id) {
    const label = el('span', { class: 'board-cursor-name', dir: 'auto' });
    const cursor = { element: el('div', { 'aria-hidden': 'true' }, label), label, name: null, x: 0, y: 0, at: 0 };
    this.#layer.append(cursor.element);
    this.#cursors.set(id, cursor);
    return cursor;
  }
}
