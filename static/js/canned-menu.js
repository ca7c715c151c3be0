import { byId, el, setAttribute } from './dom.js';

/** Canned answers: "/" at the start of the box opens their menu, and what follows narrows it. */
export class CannedMenu {
  #box = byId('composer');
  #menu = byId('canned');
  #list = byId('canned-list');
  #answers = [];
  #found = [];
  #at = 0;

  constructor() {
    this.#box.addEventListener('input', () => this.#look());
    this.#box.addEventListener('blur', () => setTimeout(() => document.activeElement !== this.#box && this.#close(), 200));
    // Before the box itself hears of a key.
    this.#box.form.addEventListener('keydown', (event) => this.#key(event), { capture: true });
    this.#list.addEventListener('pointerdown', (event) => {
      const row = event.target.closest('li');
      event.preventDefault();
      if (row) this.#take(this.#found[[...this.#list.children].indexOf(row)]);
    });
  }

  /** `[{name, text}]` of the desk. */
  set answers(answers) {
    this.#answers = answers;
  }

  #look() {
    const { value } = this.#box;
    if (!/^\/\S*$/.test(value)) {
      this.#close();
      return;
    }
    const wanted = value.slice(1).toLowerCase();
    this.#found = this.#answers.filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, 8);
    this.#at = 0;
    this.#show();
  }

  #show() {
    const rows = this.#found.map(({ name, text }, index) =>
      el(
        'li',
        { id: `canned-${index}`, role: 'option', 'aria-selected': String(index === this.#at) },
        el('strong', { dir: 'auto' }, `/${name}`),
        el('span', { dir: 'auto' }, text),
      ),
    );
    this.#list.replaceChildren(...rows);
    this.#menu.hidden = rows.length === 0;
    setAttribute(this.#box, 'aria-activedescendant', rows.length ? `canned-${this.#at}` : null);
    setAttribute(this.#box, 'aria-controls', rows.length ? 'canned-list' : null);
    rows[this.#at]?.scrollIntoView({ block: 'nearest' });
  }

  #close() {
    this.#found = [];
    this.#show();
  }

  #key(event) {
    if (this.#menu.hidden || event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      this.#at = (this.#at + moves[event.key] + this.#found.length) % this.#found.length;
      this.#show();
    } else if (event.key === 'Enter' || event.key === 'Tab') this.#take(this.#found[this.#at]);
    else if (event.key === 'Escape') this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #take({ text }) {
    this.#close();
    this.#box.value = text;
    this.#box.dispatchEvent(new Event('input', { bubbles: true }));
    this.#box.focus();
  }
}
