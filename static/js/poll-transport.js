import { HttpTransport } from './http-transport.js';
import { firstSight, roomEnds } from './latest.js';

/** How long the server may hold a poll, in seconds: under the 30 s after which many proxies give up. */
const WAIT = 25;

/** How much longer than that an answer may take, in milliseconds. */
const GRACE = 10_000;

/** Long-poll for all rooms in one request at a time; commands go by POST. */
export class PollTransport extends HttpTransport {
  static title = 'poll';

  async run({ signal }) {
    await this.#lookAround(signal);
    while (!signal.aborted) await this.#poll(signal);
  }

  async #poll(signal) {
    // Who joins from a cursor is waiting for the first answer.
    const wait = this.rooms.every(({ isAnswered }) => isAnswered) ? WAIT : 0;
    const query = [...this.cursors, ['wait', wait], ['members', 1]];
    const answer = await this.site.call('GET', '/api/poll', { query, signal, patience: WAIT * 1_000 + GRACE });
    if (signal.aborted) return;
    for (const [room, { members, people, ...news }] of Object.entries(answer.rooms)) {
      this.say({ ...news, type: 'subscribed', room });
      this.say({ type: 'people', room, members, people });
    }
  }

  // Who is there, and for rooms new to this page the latest messages. A poll alone would tell
  // neither before something happens in the room.
  async #lookAround(signal) {
    const rooms = this.rooms;
    const ends = await roomEnds(this.site, rooms, signal);
    if (signal.aborted) return;
    const isReturn = this.ready();
    for (const room of rooms) {
      const { members, people } = ends[room.name];
      if (room.seq === null) this.#meet(await firstSight(this.site, room, ends[room.name], signal), signal);
      else this.say({ type: 'people', room: room.name, members, people, isReturn });
    }
  }

  #meet(subscribed, signal) {
    if (!signal.aborted) this.say(subscribed);
  }
}
