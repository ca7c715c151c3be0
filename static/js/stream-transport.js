import { request } from './api.js';
import { readEvents } from './event-stream.js';
import { closeFor } from './http-close.js';
import { postCommand } from './http-commands.js';
import { firstSight, roomEnds } from './latest.js';

/** A stream that has brought nothing for so long after it was asked for is held back by a proxy, in milliseconds. */
const FIRST_WITHIN = 5_000;

/** The server writes something at least so often; a stream that is silent for longer is dead, in milliseconds. */
const NEXT_WITHIN = 90_000;

/**
 * One event stream for all rooms; commands go by POST. Its shape is that of SocketTransport. It reads with
 * `fetch`, as EventSource tells neither the status nor the reason of a refusal.
 */
export class StreamTransport {
  static title = 'stream';

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

  // The rooms of a stream are settled when it opens, so another set needs another stream.
  #restart() {
    this.#round.abort();
    this.#round = new AbortController();
    this.#start();
  }

  async #start() {
    const round = this.#round;
    try {
      await this.#meetNewRooms(round.signal);
      if (!round.signal.aborted) await this.#read(round);
    } catch (error) {
      this.#finish(round, closeFor(error));
    }
  }

  async #meetNewRooms(signal) {
    const unknown = this.#rooms().filter(({ seq }) => seq === null);
    if (unknown.length === 0) return;
    const ends = await roomEnds(unknown, signal);
    for (const { name } of unknown) {
      const subscribed = await firstSight(name, ends[name], signal);
      if (!signal.aborted) this.#hooks.message(subscribed);
    }
  }

  async #read(round) {
    const rooms = this.#rooms();
    const query = [
      ...rooms.map(({ name }) => ['room', name]),
      ...rooms.map(({ seq }) => ['after', seq]),
      ...rooms.map(({ epoch }) => ['epoch', epoch]),
    ];
    let timer = this.#expectLife(round, FIRST_WITHIN);
    const response = await request('GET', '/api/stream', { query, signal: round.signal });
    for await (const event of readEvents(response.body)) {
      clearTimeout(timer);
      if (round.signal.aborted) return;
      timer = this.#expectLife(round, NEXT_WITHIN);
      this.#receive(event);
    }
    this.#finish(round, { code: 1006, reason: 'The event stream has ended.' });
  }

  #expectLife(round, time) {
    return setTimeout(() => this.#finish(round, { code: 1006, reason: 'The event stream stays silent.' }), time);
  }

  #receive(event) {
    if (!this.#isReady) this.#hooks.ready({});
    this.#isReady = true;
    if (event) this.#hooks.message(event.type === 'subscribed' ? beforeItsEntries(event) : event);
  }

  #finish(round, close) {
    if (round.signal.aborted) return;
    round.abort();
    this.#hooks.closed(close);
  }
}

// A stream says `subscribed` first and the missed entries after it, while its `seq` already counts
// them. Taken at its word the cursor would jump over what is still to come.
function beforeItsEntries({ seq, ...subscribed }) {
  return { ...subscribed, seq: subscribed.gap?.[1] ?? null };
}
