import { TagField } from './tag-field.js';

const STORE = 'parley.pairing';

/** What kind of partner one wishes for, as the page's fields say it; kept in this browser. */
export class PairWishes {
  #field;
  #boxes = [...document.querySelectorAll('.keep-looking')];

  constructor() {
    const { tags = [], keepsLooking = false } = JSON.parse(localStorage.getItem(STORE) ?? '{}');
    this.#field = new TagField(tags);
    this.#field.on('changed', () => this.#store());
    for (const box of this.#boxes) box.addEventListener('change', () => this.#setKeepsLooking(box.checked));
    this.#setKeepsLooking(keepsLooking);
  }

  get tags() {
    return this.#field.tags;
  }

  /** Whether to wait for the next partner without being asked when one leaves. */
  get keepsLooking() {
    return this.#boxes[0].checked;
  }

  /** Takes in what is written and not yet a tag. */
  finish() {
    this.#field.finish();
  }

  #setKeepsLooking(keepsLooking) {
    for (const box of this.#boxes) box.checked = keepsLooking;
    this.#store();
  }

  #store() {
    localStorage.setItem(STORE, JSON.stringify({ tags: this.tags, keepsLooking: this.keepsLooking }));
  }
}
