import { byId, el } from './dom.js';
import { Emitter } from './emitter.js';

/** So many tags at most, and characters in one, as the server has it. */
const MOST = 10;
const LONGEST = 32;

/** A field for tags: Enter or a comma ends one, Backspace in the empty box takes the last away. Emits `changed`. */
export class TagField extends Emitter {
  #box = byId('pair-tag');
  #list = byId('pair-tag-list');
  #tags = [];

  constructor(tags) {
    super();
    this.#tags = tags;
    this.#draw();
    this.#box.addEventListener('keydown', (event) => this.#key(event));
    this.#box.addEventListener('input', () => this.#box.value.includes(',') && this.finish());
    this.#box.addEventListener('blur', () => this.finish());
    byId('pair-tags').addEventListener('click', ({ target }) => target.closest('button') || this.#box.focus());
  }

  get tags() {
    return [...this.#tags];
  }

  /** Makes tags of what is in the box. */
  finish() {
    const written = this.#box.value.split(',').map(tagOf).filter(Boolean);
    this.#box.value = '';
    if (written.length) this.#set([...new Set([...this.#tags, ...written])].slice(0, MOST));
  }

  // Enter in the empty box sends the form.
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && this.#box.value.trim() !== '') {
      event.preventDefault();
      this.finish();
    } else if (event.key === 'Backspace' && this.#box.value === '') {
      this.#set(this.#tags.slice(0, -1));
    }
  }

  #remove(tag) {
    this.#set(this.#tags.filter((other) => other !== tag));
    this.#box.focus();
  }

  #set(tags) {
    this.#tags = tags;
    this.#draw();
    this.emit('changed');
  }

  #draw() {
    this.#box.disabled = this.#tags.length >= MOST;
    this.#list.replaceChildren(...this.#tags.map((tag) => this.#chip(tag)));
  }

  #chip(tag) {
    const button = el('button', { type: 'button', 'aria-label': `Remove ${tag}` }, '×');
    button.addEventListener('click', () => this.#remove(tag));
    return el('li', { class: 'tag' }, el('span', { dir: 'auto' }, tag), button);
  }
}

function tagOf(text) {
  const tag = text.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
  return [...tag].slice(0, LONGEST).join('').trim();
}
