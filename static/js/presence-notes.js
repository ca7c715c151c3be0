/** So many notes are kept. */
const KEPT = 200;

/** Somebody who comes and goes within this time is not mentioned, in milliseconds. */
const GLANCE = 10_000;

/** Nor is somebody who goes and comes back within this time, as after a restart of the server, in milliseconds. */
const ABSENCE = 60_000;

/**
 * Who came and went while this page was looking: `{kind: "joined"|"left", user, at, after}`, with `at` in
 * milliseconds since the epoch and `after` the `seq` of the message before, or 0.
 */
export class PresenceNotes {
  #notes = [];

  get all() {
    return this.#notes;
  }

  /** Adds a note, unless it takes back the last one about the same person. */
  add(note) {
    const known = this.#notes.findLastIndex(({ user }) => user.id === note.user.id);
    if (known !== -1 && isBlink(this.#notes[known], note)) this.#notes.splice(known, 1);
    else this.#notes.push(note);
    this.#notes = this.#notes.slice(-KEPT);
  }

  /** Forgets the notes after messages for which `isKept(seq)` is false. */
  keep(isKept) {
    this.#notes = this.#notes.filter(({ after }) => isKept(after));
  }
}

function isBlink(before, note) {
  const longest = note.kind === 'left' ? GLANCE : ABSENCE;
  return before.kind !== note.kind && note.at - before.at < longest;
}
