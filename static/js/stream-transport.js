import { readEvents } from './event-stream.js';
import { HttpTransport } from './http-transport.js';
import { firstSight, roomEnds } from './latest.js';

/** A stream that has brought nothing for so long after it was asked for is held back by a proxy, in milliseconds. */
const FIRST_WITHIN = 5_000;

/** The server writes something at least so often; a stream that is silent for longer is dead, in milliseconds. */
const NEXT_WITHIN = 90_000;

/**
 * One event stream for all rooms; commands go by POST. It reads with `fetch`, as EventSource tells neither
 * the status nor the reason of a refusal.
 */
export class StreamTransport extends HttpTransport {
  static title = 'stream';

  async run(round) {
    await this.#meetNewRooms(round.signal);
    if (!round.signal.aborted) await this.#read(round);
  }

  async #meetNewRooms(signal) {
    const unknown = this.rooms.filter(({ seq }) => seq === null);
    if (unknown.length === 0) return;
    const ends = await roomEnds(this.site, unknown, signal);
    for (const room of unknown) {
      const subscribed = await firstSight(this.site, room, ends[room.name], signal);
      if (!signal.aborted) this.say(subscribed);
    }
  }

  async #read(round) {
    let timer = this.#expectLife(round, FIRST_WITHIN);
    try {
      const response = await this.site.request('GET', '/api/stream', { query: this.cursors, signal: round.signal });
      for await (const event of readEvents(response.body)) {
        clearTimeout(timer);
        if (round.signal.aborted) return;
        timer = this.#expectLife(round, NEXT_WITHIN);
        this.ready();
        if (event) this.say(event.type === 'subscribed' ? beforeItsEntries(event) : event);
      }
    } finally {
      clearTimeout(timer);
    }
    this.finish(round, { code: 1006, reason: 'The event stream has ended.' });
  }

  #expectLife(round, time) {
    return setTimeout(() => this.finish(round, { code: 1006, reason: 'The event stream stays silent.' }), time);
  }
}

// A stream says `subscribed` first and the missed entries after it, while its `seq` already counts
// them. Taken at its word the cursor would jump over what is still to come.
function beforeItsEntries({ seq, ...subscribed }) {
  return { ...subscribed, seq: subscribed.gap?.[1] ?? null };
}
