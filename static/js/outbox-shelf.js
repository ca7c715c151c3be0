import { newKey } from './keys.js';

const PREFIX = 'parley.outbox.';

/** How often a tab says that it still looks after its items, in milliseconds. */
const SIGN_OF_LIFE = 10_000;

/**
 * A tab silent for so long is gone, in milliseconds. Browsers let hidden tabs run a timer once a minute,
 * and a mistake is harmless, as a repeated key stores nothing twice.
 */
const GONE_AFTER = 90_000;

/** What nobody has sent for so long is not sent any more: it would come out of the blue, in milliseconds. */
const EXPIRES_AFTER = 7 * 24 * 3_600_000;

/**
 * Where this tab keeps what is not sent yet, in the browser's storage, so that it outlives a reload. What a
 * closed tab has left behind is taken over.
 */
export class OutboxShelf {
  #name = PREFIX + newKey();
  #author;
  #items = [];
  #sign;
  #leaving = new AbortController();

  /** `author`: the name of the person whose items these are; those of others are left alone. */
  constructor(author) {
    this.#author = author;
    this.#sign = setInterval(() => this.#items.length && this.#write(Date.now()), SIGN_OF_LIFE);
    addEventListener('pagehide', () => this.#leave(), { signal: this.#leaving.signal });
  }

  /** Says that the items stored from now on are those of this person. */
  handTo(author) {
    this.#author = author;
    this.store(this.#items);
  }

  /** Stores this tab's items (plain objects, in order) in place of those stored before. */
  store(items) {
    this.#items = items;
    if (items.length) this.#write(Date.now());
    else localStorage.removeItem(this.#name);
  }

  /** Takes over the items of this person that closed tabs have left, the oldest first. */
  takeOrphans() {
    const shelves = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && name !== this.#name);
    return shelves.flatMap((name) => this.#takeFrom(name)).sort((one, other) => one.at - other.at);
  }

  #takeFrom(name) {
    const shelf = JSON.parse(localStorage.getItem(name));
    const isGone = shelf && Date.now() - shelf.alive > GONE_AFTER;
    if (!isGone || shelf.author !== this.#author) return [];
    localStorage.removeItem(name);
    return shelf.items.filter(({ at }) => Date.now() - at < EXPIRES_AFTER);
  }

  /** Looks after its items no longer: whoever comes next takes them over. */
  close() {
    clearInterval(this.#sign);
    this.#leaving.abort();
    this.#leave();
  }

  #leave() {
    if (this.#items.length) this.#write(0);
  }

  // A full or forbidden storage costs the survival of a reload and nothing else.
  #write(alive) {
    try {
      localStorage.setItem(this.#name, JSON.stringify({ author: this.#author, alive, items: this.#items }));
    } catch (error) {
      console.warn('Unsent messages cannot be kept over a reload.', error);
    }
  }
}
