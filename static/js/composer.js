import { byId } from './dom.js';
import { Emitter } from './emitter.js';

/** How often others are told that one is typing, at most, in milliseconds. */
const TYPING_EVERY = 3_000;

/** So many characters before the limit the counter appears. */
const COUNTER_FROM_END = 300;

/**
 * The box to write in. Emits `send` (the text), `edit` (`{seq, text}`), `typing`, `draft` (the text so far,
 * while it is no edit) and `edit-last` (ArrowUp in the empty box).
 */
export class Composer extends Emitter {
  #box = byId('composer');
  #form = byId('compose');
  #send = byId('send');
  #counter = byId('counter');
  #banner = byId('editing');
  #limit = 4_000;
  #editing = null;
  #draft = '';
  #isBlocked = false;
  #typedAt = -Infinity;

  constructor() {
    super();
    this.#box.addEventListener('input', () => this.#input());
    this.#box.addEventListener('keydown', (event) => this.#key(event));
    this.#form.addEventListener('submit', (event) => this.#submit(event));
    byId('editing-cancel').addEventListener('click', () => this.#endEdit());
    this.#measure();
  }

  /** The most characters (code points) that the server takes. */
  set limit(characters) {
    this.#limit = characters;
    this.#measure();
  }

  /** Whether nothing can be written here at the moment; what is in the box stays. */
  set isBlocked(isBlocked) {
    this.#isBlocked = isBlocked;
    this.#box.readOnly = isBlocked;
    this.#form.classList.toggle('blocked', isBlocked);
    this.#measure();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** Shows another room's draft, giving up an edit under way. */
  open(draft) {
    this.#leaveEdit();
    this.#draft = draft;
    this.#write(draft);
  }

  /** Takes a message `{seq, text}` into the box to be changed. */
  edit({ seq, text }) {
    this.#editing = seq;
    this.#banner.hidden = false;
    this.#write(text);
    this.focus();
  }

  #write(text) {
    this.#box.value = text;
    this.#measure();
  }

  #leaveEdit() {
    this.#editing = null;
    this.#banner.hidden = true;
  }

  #endEdit() {
    this.#leaveEdit();
    this.#write(this.#draft);
    this.focus();
  }

  #clear() {
    this.#draft = '';
    this.#write('');
    this.emit('draft', '');
  }

  #input() {
    this.#measure();
    if (this.#editing !== null) return;
    this.#draft = this.#box.value;
    this.emit('draft', this.#draft);
    const now = performance.now();
    if (this.#draft.trim() === '' || now - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = now;
    this.emit('typing');
  }

  // While an input method composes, Enter and Esc belong to it. Safari ends the composition before it
  // tells of the key and marks that key by its old code alone.
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey) this.#submit(event);
    else if (event.key === 'Escape' && this.#editing !== null) this.#endEdit();
    else if (event.key === 'Escape') this.#clear();
    else if (event.key === 'ArrowUp' && this.#box.value === '') {
      event.preventDefault();
      this.emit('edit-last');
    }
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#box.value.trimEnd();
    if (this.#isBlocked || text.trim() === '' || this.#left(text) < 0) return;
    if (this.#editing === null) {
      this.#clear();
      this.#typedAt = -Infinity;
      this.emit('send', text);
    } else {
      const seq = this.#editing;
      this.#endEdit();
      this.emit('edit', { seq, text });
    }
    this.focus();
  }

  #left(text) {
    return this.#limit - [...text].length;
  }

  // The box's height follows its text by the stylesheet (field-sizing) or, where a browser lacks that, by its rows.
  #measure() {
    const text = this.#box.value;
    const left = this.#left(text);
    this.#box.rows = Math.min(8, text.split('\n').length);
    this.#counter.hidden = left > COUNTER_FROM_END;
    this.#counter.textContent = left < 0 ? `${-left} too many` : `${left} left`;
    this.#counter.classList.toggle('over', left < 0);
    this.#send.disabled = this.#isBlocked || text.trim() === '' || left < 0;
  }
}
