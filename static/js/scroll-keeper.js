/** So close to the end counts as at the end, in CSS pixels: a line of text, and rounding. */
const NEAR = 40;

/**
 * Keeps a scrolled element where its reader is: at the end if that is where they were, otherwise with
 * the message they see first in its place, whatever is added above or taken away.
 */
export class ScrollKeeper {
  #element;
  #isAtEnd = true;

  /** `onMove()` is called whenever the reader or the page has scrolled. */
  constructor(element, onMove) {
    this.#element = element;
    element.addEventListener('scroll', () => {
      this.#isAtEnd = this.#distance() < NEAR;
      onMove();
    });
    // A keyboard that opens or a box that grows takes height away; the end stays in sight.
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(element);
  }

  /** Whether the reader is at the end. Of a move in this very frame the event is still to come, so it is measured. */
  get isAtEnd() {
    return this.#isAtEnd && this.#distance() < NEAR;
  }

  /** Scrolls to the end and stays there. */
  toEnd() {
    this.#isAtEnd = true;
    this.#element.scrollTop = this.#element.scrollHeight;
  }

  /** Goes back to a place that `place` has told: the distance from the end in CSS pixels, or null for the end. */
  toPlace(place) {
    if (place === null) return this.toEnd();
    this.#isAtEnd = false;
    this.#element.scrollTop = this.#element.scrollHeight - this.#element.clientHeight - place;
  }

  /** Where the reader is now, for `toPlace`. */
  get place() {
    return this.#isAtEnd ? null : this.#distance();
  }

  /** Makes a change to the element's content without moving what the reader looks at. */
  hold(change) {
    if (this.#isAtEnd) {
      change();
      this.toEnd();
      return;
    }
    const anchor = this.#firstVisibleMessage();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.#element.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #distance() {
    return this.#element.scrollHeight - this.#element.clientHeight - this.#element.scrollTop;
  }

  #firstVisibleMessage() {
    const { top } = this.#element.getBoundingClientRect();
    const messages = this.#element.querySelectorAll('.message');
    return [...messages].find((message) => message.getBoundingClientRect().bottom > top);
  }
}
