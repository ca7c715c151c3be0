import { tell } from './notice.js';
import { RowList } from './row-list.js';

/**
 * A list of which the server gives a page at a time. `fetch(last)` resolves to `{items, more}`: what comes after the
 * item `last`, or the beginning where that is null. `make`, `list` and `empty` are as for RowList; `more` is the button
 * that brings the next page.
 */
export class PagedList {
  #fetch;
  #rows;
  #more;
  #items = [];
  #round = 0;

  constructor({ list, make, empty, more, fetch }) {
    this.#fetch = fetch;
    this.#rows = new RowList(list, make, { empty });
    this.#more = more;
    more.addEventListener('click', () => this.#load(this.#items).catch(tell));
  }

  /** Fetches and shows the beginning. */
  async load() {
    await this.#load([]);
  }

  // What was asked for meanwhile counts, not what was asked for before and takes longer.
  async #load(before) {
    this.#round += 1;
    const round = this.#round;
    const { items, more } = await this.#fetch(before.at(-1) ?? null);
    if (round !== this.#round) return;
    this.#items = [...before, ...items];
    this.#more.hidden = !more;
    this.#rows.update(this.#items);
  }
}
