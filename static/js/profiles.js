import { call } from './api.js';
import { Emitter } from './emitter.js';

/** Those who are met within this time are asked for together, in milliseconds. */
const GATHER = 60;

/** So many at most in one question, as the server has it. */
const AT_ONCE = 100;

/** After a question that failed the same people are not asked for again for so long, in milliseconds. */
const PAUSE = 30_000;

/**
 * How the people whom a page meets have described themselves: `{id, name, display, colour, status, guest, picture}`.
 * Emits `changed` when more of them are known.
 */
export class Profiles extends Emitter {
  #known = new Map();
  #wanted = new Set();

  /** The profile of somebody, or null where there is none or it is still to come. Only accounts have one. */
  of({ id }) {
    if (!id.startsWith('a-')) return null;
    if (this.#known.has(id)) return this.#known.get(id);
    if (this.#wanted.size === 0) setTimeout(() => this.#ask(), GATHER);
    this.#wanted.add(id);
    return null;
  }

  /** The profile as it is now. Throws Refused, Unreachable. */
  async fresh({ id }) {
    const profile = await call('GET', `/api/people/${encodeURIComponent(id)}`);
    this.#known.set(id, profile);
    this.emit('changed');
    return profile;
  }

  async #ask() {
    const ids = [...this.#wanted].slice(0, AT_ONCE);
    for (const id of ids) this.#known.set(id, null);
    this.#wanted = new Set([...this.#wanted].slice(AT_ONCE));
    if (this.#wanted.size) setTimeout(() => this.#ask(), GATHER);
    try {
      const { people } = await call('GET', '/api/people', { query: ids.map((id) => ['id', id]) });
      for (const profile of people) this.#known.set(profile.id, profile);
      this.emit('changed');
    } catch {
      // Without it they are shown by their names alone.
      setTimeout(() => ids.forEach((id) => this.#known.delete(id)), PAUSE);
    }
  }
}
