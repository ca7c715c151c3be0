import { tell } from './notice.js';

/** So long after the last key a search begins, in milliseconds. */
const PAUSE = 250;

/** A form with one field to search by; `onSearch()` (which may take its time) is called when what stands in it has changed. */
export class SearchBox {
  #input;
  #timer;

  constructor(form, onSearch) {
    this.#input = form.elements.find;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#search(onSearch, 0);
    });
    this.#input.addEventListener('input', () => this.#search(onSearch, PAUSE));
  }

  get text() {
    return this.#input.value.trim();
  }

  #search(onSearch, wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => onSearch().catch(tell), wait);
  }
}
