import { call } from './api.js';
import { closeFor } from './http-close.js';
import { postCommand } from './http-commands.js';
import { firstSight, roomEnds } from './latest.js';

/** How long the server may hold a poll, in seconds: under the 30 s after which many proxies give up. */
const WAIT = 25;

/** How much longer than that an answer may take, in milliseconds. */
const GRACE = 10_000;

/** A server that is stopping answers at once with nothing; it is asked again after so long, in milliseconds. */
const CALM = 1_000;

/** Long-poll for all rooms in one request at a time; commands go by POST. Its shape is that of SocketTransport. */
export class PollTransport {
  static title = 'poll';

  #hooks;
  #rooms;
  #round = new AbortController();
  #isReady = false;

  constructor(rooms, hooks) {
    this.#rooms = rooms;
    this.#hooks = hooks;
    this.#start();
  }

  subscribe() {
    this.#restart();
  }

  unsubscribe() {
    this.#restart();
  }

  send(command) {
    postCommand(command, (answer) => this.#hooks.message(answer));
  }

  close() {
    this.#round.abort();
  }

  // What an aborted poll would have said is not lost: the cursors move only with what has arrived.
  #restart() {
    this.#round.abort();
    this.#round = new AbortController();
    this.#start();
  }

  async #start() {
    const { signal } = this.#round;
    try {
      await this.#lookAround(signal);
      while (!signal.aborted) await this.#poll(signal);
    } catch (error) {
      if (!signal.aborted) this.#hooks.closed(closeFor(error));
    }
  }

  async #poll(signal) {
    const rooms = this.#rooms();
    const query = [
      ...rooms.map(({ name }) => ['room', name]),
      ...rooms.map(({ seq }) => ['after', seq]),
      ...rooms.map(({ epoch }) => ['epoch', epoch]),
      ['wait', WAIT],
      ['members', 1],
    ];
    const answer = await call('GET', '/api/poll', { query, signal, patience: WAIT * 1_000 + GRACE });
    if (signal.aborted) return;
    for (const [room, { members, people, ...news }] of Object.entries(answer.rooms)) {
      this.#hooks.message({ ...news, type: 'subscribed', room });
      this.#hooks.message({ type: 'people', room, members, people });
    }
    if (Object.keys(answer.rooms).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, CALM));
    if (!signal.aborted) await this.#lookAround(signal);
  }

  // Who is there, and for rooms new to this page the latest messages. A poll alone would tell
  // neither before something happens in the room.
  async #lookAround(signal) {
    const rooms = this.#rooms();
    const ends = await roomEnds(rooms, signal);
    if (signal.aborted) return;
    const isReturn = !this.#isReady;
    if (isReturn) this.#hooks.ready({});
    this.#isReady = true;
    for (const { name, seq } of rooms) {
      const { members, people } = ends[name];
      if (seq === null) this.#hooks.message(await firstSight(name, ends[name], signal));
      else this.#hooks.message({ type: 'people', room: name, members, people, isReturn });
    }
  }
}
