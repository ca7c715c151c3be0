import { changed } from './parley.js';
import { PresenceNotes } from './presence-notes.js';

/** So many messages of a room are kept in the page; older ones are paged in again when wanted. */
const KEPT = 500;

/** So many at most while somebody reads further up, who would lose their place otherwise. */
const KEPT_WHILE_READING = 2_000;

/** So many stay of those when older pages have made them too many. */
const KEPT_FROM_TOP = 1_500;

/** For so many messages that are not in the page changes are remembered, until a page of history brings them. */
const CHANGES_KEPT = 500;

/**
 * What a page knows of one room's log: its messages in their present state, who came and went, and
 * where something is missing. Plain data; it knows neither the page nor the wire. Messages are never
 * altered but replaced, so that "the same object" means "unchanged".
 */
export class Timeline {
  #messages = new Map();
  #awaited = new Map();
  #notes = new PresenceNotes();
  #gaps = [];
  #reachesStart = false;

  /** The messages in order. */
  get messages() {
    return [...this.#messages.values()].sort((one, other) => one.seq - other.seq);
  }

  /** Who came and went, as PresenceNotes has it. */
  get notes() {
    return this.#notes.all;
  }

  /** What is missing: `[from, to]` each, both ends included, in order. */
  get gaps() {
    return this.#gaps;
  }

  /** Whether there are messages before the first one here. */
  get hasOlder() {
    return !this.#reachesStart && (this.firstSeq ?? 1) > 1;
  }

  get firstSeq() {
    return this.#messages.size ? Math.min(...this.#messages.keys()) : null;
  }

  get lastSeq() {
    return this.#messages.size ? Math.max(...this.#messages.keys()) : 0;
  }

  /** The message with this number, or undefined. */
  message(seq) {
    return this.#messages.get(seq);
  }

  /** Forgets everything. */
  clear() {
    this.#messages.clear();
    this.#awaited.clear();
    this.#notes.keep(() => false);
    this.#gaps = [];
    this.#reachesStart = false;
  }

  /** Takes in entries from the log; entries taken before change nothing. */
  take(entries) {
    for (const entry of entries) {
      if (entry.type === 'message') this.#put(entry);
      else this.#change(entry);
    }
  }

  /** Takes in a page of messages older than all here; `more`: whether there are still older ones. */
  takeOlder(entries, more) {
    this.take(entries);
    this.#reachesStart = !more;
    if (this.#messages.size > KEPT_WHILE_READING) this.#foldFrom(this.messages[KEPT_FROM_TOP].seq);
  }

  /** Notes that the entries from `from` to `to` are missing here. */
  addGap([from, to]) {
    this.#gaps.push([from, to]);
  }

  /** Takes in the page of messages that ends where a gap does, which makes the gap smaller or closes it. */
  takeIntoGap([from, to], entries, more) {
    this.take(entries);
    const lowest = entries[0]?.seq ?? 0;
    const isClosed = !more || lowest <= from;
    const others = this.#gaps.filter((gap) => gap[0] !== from || gap[1] !== to);
    this.#gaps = isClosed ? others : [...others, [from, lowest - 1]].sort((one, other) => one[0] - other[0]);
  }

  /** Notes that somebody came ("joined") or went ("left") at `at`, in milliseconds since the epoch. */
  addNote(kind, user, at) {
    this.#notes.add({ kind, user, at, after: this.lastSeq });
  }

  /** Drops the oldest messages beyond what a page keeps; `isReading`: somebody reads further up. */
  trim({ isReading }) {
    const excess = this.#messages.size - (isReading ? KEPT_WHILE_READING : KEPT);
    if (excess <= 0) return;
    this.dropBefore(this.messages[excess].seq);
  }

  /** Drops the messages before `seq` and all that belongs to them. */
  dropBefore(seq) {
    for (const known of [...this.#messages.keys()]) if (known < seq) this.#messages.delete(known);
    this.#notes.keep((after) => after >= seq);
    this.#gaps = this.#gaps.filter(([, to]) => to >= seq);
    this.#reachesStart = false;
  }

  // Who goes far up drops what is far below, as a gap that can be filled again.
  #foldFrom(seq) {
    const gap = [seq, Math.max(this.lastSeq, ...this.#gaps.map(([, to]) => to))];
    for (const known of [...this.#messages.keys()]) if (known >= seq) this.#messages.delete(known);
    this.#notes.keep((after) => after < seq);
    this.#gaps = [...this.#gaps.filter(([from]) => from < seq), gap];
  }

  #put(message) {
    const awaited = this.#awaited.get(message.seq) ?? [];
    this.#awaited.delete(message.seq);
    this.#messages.set(message.seq, awaited.reduce(changed, message));
  }

  // A change can overtake the page of history that holds its message.
  #change(entry) {
    const message = this.#messages.get(entry.target);
    if (message) {
      this.#messages.set(entry.target, changed(message, entry));
      return;
    }
    this.#awaited.set(entry.target, [...(this.#awaited.get(entry.target) ?? []), entry]);
    if (this.#awaited.size > CHANGES_KEPT) this.#awaited.delete(this.#awaited.keys().next().value);
  }
}
