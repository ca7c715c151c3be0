/** The longest wait between two tries, in milliseconds: long enough to spare a server that is down for hours. */
const CAP = 30_000;

/** The bound of the first wait after the immediate try, in milliseconds. It doubles from try to try. */
const FIRST = 500;

/**
 * How long to wait before the next try: none at first, then random between nothing and a bound that
 * doubles ("full jitter"), so that the clients of a restarted server do not all come back at once.
 */
export class Backoff {
  #tries = 0;

  /** Milliseconds to wait before the next try. */
  next() {
    const bound = this.#tries === 0 ? 0 : Math.min(CAP, FIRST * 2 ** (this.#tries - 1));
    this.#tries += 1;
    return Math.random() * bound;
  }

  /** Says that a try has succeeded: the next wait is none again. */
  reset() {
    this.#tries = 0;
  }
}
