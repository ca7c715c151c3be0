import { byId } from './dom.js';

/** The button that says how many messages have come below what the reader is looking at, and leads there. */
export class NewMessagesButton {
  #button = byId('new-messages');
  #log;
  #count = 0;

  constructor(log) {
    this.#log = log;
    this.#button.addEventListener('click', () => log.toEnd());
    log.on('moved', () => log.isAtEnd && this.clear());
  }

  /** Counts messages that have come, unless the reader is at the end and sees them. */
  add(count) {
    if (this.#log.isAtEnd) return;
    this.#count += count;
    this.#button.textContent = this.#count === 1 ? '1 new message' : `${this.#count} new messages`;
    this.#button.hidden = false;
  }

  clear() {
    this.#count = 0;
    this.#button.hidden = true;
  }
}
