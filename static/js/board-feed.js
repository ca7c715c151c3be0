import { call } from './api.js';
import { Backoff } from './backoff.js';
import { isDrawn } from './drawn.js';
import { Emitter } from './emitter.js';
import { roomApi } from './room-name.js';

/**
 * Brings a picture up to the log and keeps it there: first the room is followed, then the picture is fetched, then what
 * has come meanwhile is taken in. After each break it is fetched anew. Emits `loaded` (the answer: `{full, clear}` of
 * it) and `news` (as BoardPicture's `take` returns it, with the `entries`).
 */
export class BoardFeed extends Emitter {
  #picture;
  #room;
  #waiting = null;
  #isStale = true;
  #number = 0;
  #backoff = new Backoff();

  constructor(connection, picture, room) {
    super();
    this.#picture = picture;
    this.#room = room;
    const isOurs = (event) => this.#room.key === event.key || this.#room.name === event.room;
    connection.on('state', ({ name }) => name !== 'online' && (this.#isStale = true));
    connection.on('subscribed', (event) => isOurs(event) && this.#isStale && this.#load());
    connection.on('reset', (event) => isOurs(event) && this.#load());
    connection.on('gap', (event) => isOurs(event) && this.#load());
    connection.on('entries', (event) => isOurs(event) && this.#take(event.entries));
  }

  /** Whether the picture is what the server has, as far as is known. */
  get isLoaded() {
    return this.#waiting === null && this.#picture.seq !== null;
  }

  async #load() {
    this.#isStale = false;
    this.#waiting = [];
    const number = (this.#number += 1);
    try {
      const answer = await call('GET', `${roomApi(this.#room.name)}/board`);
      if (number !== this.#number) return;
      this.#picture.load(answer);
      const entries = this.#waiting;
      this.#waiting = null;
      this.#picture.take(entries);
      this.#backoff.reset();
      this.emit('loaded', answer);
    } catch (error) {
      const isPassing = !error.status || error.status >= 429;
      if (number === this.#number && isPassing) setTimeout(() => number === this.#number && this.#load(), this.#backoff.next());
    }
  }

  #take(entries) {
    const drawn = entries.filter((entry) => isDrawn(entry) || entry.type === 'delete');
    if (drawn.length === 0) return;
    if (this.#waiting !== null) this.#waiting.push(...drawn);
    else this.emit('news', { ...this.#picture.take(drawn), entries: drawn });
  }
}
