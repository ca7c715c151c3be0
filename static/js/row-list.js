import { el } from './dom.js';

/**
 * A list of things with an `id` each. `make(item)` returns the row for one; a row is made anew only where its item
 * has changed, and the keyboard's focus stays where it was or goes to the nearest row.
 */
export class RowList {
  #list;
  #empty;
  #make;
  #rows = new Map();

  /** `empty`: the element that says that there is nothing, if there is one. */
  constructor(list, make, { empty = null } = {}) {
    this.#list = list;
    this.#make = make;
    this.#empty = empty;
  }

  /** Shows these items, in this order. */
  update(items) {
    const focus = this.#focused();
    const before = this.#rows;
    this.#rows = new Map(items.map((item) => [item.id, this.#rowFor(item, before.get(item.id))]));
    this.#list.replaceChildren(...[...this.#rows.values()].map(({ element }) => element));
    if (this.#empty) this.#empty.hidden = items.length > 0;
    if (focus) this.#refocus(focus);
  }

  #rowFor(item, known) {
    const state = JSON.stringify(item);
    return known?.state === state ? known : { state, element: this.#make(item) };
  }

  #focused() {
    const element = document.activeElement;
    if (!this.#list.contains(element) || element === this.#list) return null;
    const row = element.closest('.row');
    const index = [...this.#list.children].indexOf(row);
    return { element, index, place: controls(row).indexOf(element) };
  }

  #refocus({ element, index, place }) {
    const rows = this.#list.children;
    const near = controls(rows[Math.min(index, rows.length - 1)]);
    const next = element.isConnected ? element : (near[Math.min(place, near.length - 1)] ?? this.#list);
    next.focus({ preventScroll: true });
  }
}

function controls(row) {
  return row ? [...row.querySelectorAll('button, a, select')] : [];
}

/** One row: a title (text or nodes) with `marks` beside it, lines of facts below, and what can be done at its end. */
export function row({ title, marks = [], facts = [], quote = '', actions = [] }) {
  const lines = facts.filter(Boolean).map((fact) => el('span', { class: 'row-facts' }, fact));
  const said = quote ? [el('span', { class: 'row-quote', dir: 'auto' }, quote)] : [];
  const head = el('span', { class: 'row-title', dir: 'auto' }, ...[title].flat(), ...marks.filter(Boolean));
  const text = el('div', { class: 'row-text' }, head, ...said, ...lines);
  const buttons = actions.filter(Boolean);
  return el('li', { class: 'row' }, text, ...(buttons.length ? [el('div', { class: 'row-actions' }, ...buttons)] : []));
}

/** A word beside a title; `kind` "strong" or "grave" makes it stand out. */
export function mark(word, kind = '') {
  return el('span', { class: `mark ${kind}`.trim() }, word);
}

/** A button of a row. `about` names the row for those who hear the button alone. */
export function rowButton(label, about, act, { isGrave = false } = {}) {
  const classes = isGrave ? 'small-button grave' : 'small-button';
  const button = el('button', { type: 'button', class: classes, 'aria-label': `${label}: ${about}` }, label);
  button.addEventListener('click', act);
  return button;
}
