import { call } from './api.js';
import { DRAWN } from './drawn.js';
import { roomApi } from './room-name.js';

/** Messages in a page on scroll-up: two or three screens. */
const PAGE = 50;

/** Messages in a page that fills a gap or shows again what stands before one: the most that the server gives. */
const BIG_PAGE = 200;

/** Fetches pages of a room's history into its timeline. Calls for one room do not overlap. */
export class HistoryPager {
  #busy = new Set();

  /** Brings the page of messages before the first one; returns whether it was asked for. */
  older(room) {
    const { timeline } = room;
    if (!timeline.hasOlder) return false;
    const before = timeline.firstSeq;
    return this.#alone(room, async () => {
      const { entries, more } = await page(room, before === null ? {} : { before, limit: PAGE });
      timeline.takeOlder(entries, more);
    });
  }

  /** Brings the last messages of a gap, which becomes smaller or closes. */
  fill(room, gap) {
    return this.#alone(room, async () => {
      const { entries, more } = await page(room, { before: gap[1] + 1, limit: BIG_PAGE });
      room.timeline.takeIntoGap(gap, entries, more);
    });
  }

  /**
   * Shows the messages before a gap as they are now, since changes to them may lie in the gap. What is
   * older than one page is dropped and can be paged in again.
   */
  renew(room, gap) {
    return this.#alone(room, async () => {
      const { entries, more } = await page(room, { before: gap[0], limit: BIG_PAGE });
      room.timeline.take(entries);
      if (more) room.timeline.dropBefore(entries[0].seq);
    });
  }

  async #alone(room, fetch) {
    if (this.#busy.has(room)) return false;
    this.#busy.add(room);
    try {
      await fetch();
      return true;
    } finally {
      this.#busy.delete(room);
    }
  }
}

function page(room, query) {
  const all = [...Object.entries(query), ...DRAWN.map((kind) => ['without', kind])];
  return call('GET', `${roomApi(room.name)}/messages`, { query: all });
}
