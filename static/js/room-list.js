import { call } from './api.js';
import { Backoff } from './backoff.js';
import { Emitter } from './emitter.js';

/** How long the server may hold a question for news, in seconds, and an answer may take, in milliseconds. */
const WAIT = 25;
const PATIENCE = 35_000;

/** The shortest time between two lists, in milliseconds: a busy server changes its list many times a second. */
const CALM = 1_000;

/**
 * The list of rooms, kept up to date. Emits `rooms` (objects `{name, title, people, active}`, the latest
 * active first) at each change, and `trouble` (a sentence, or "" when it is over).
 */
export class RoomList extends Emitter {
  #backoff = new Backoff();
  #version = null;

  /** Fetches the list and goes on for as long as the page lives. */
  async start() {
    for (;;) {
      const wait = await this.#fetch();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  // Returns how long to wait before the next list, in milliseconds.
  async #fetch() {
    const query = this.#version === null ? {} : { after: this.#version, wait: WAIT };
    try {
      const { rooms, version } = await call('GET', '/api/rooms', { query, patience: PATIENCE });
      this.#version = version;
      this.#backoff.reset();
      this.emit('trouble', '');
      this.emit('rooms', rooms);
      return CALM;
    } catch (error) {
      this.#version = null;
      this.emit('trouble', error.reason ?? String(error));
      return Math.max(this.#backoff.next(), (error.retryAfter ?? 1) * 1_000);
    }
  }
}
