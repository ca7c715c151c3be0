import { closeFor } from './http-close.js';
import { postCommand } from './http-commands.js';

/**
 * What the transports over plain HTTP share; their shape is that of SocketTransport. A subclass has
 * `run(round)`, which goes on until the round (an AbortController) is aborted. The rooms of a round are
 * settled when it begins: another set of rooms needs another round. What an aborted one would have said is
 * not lost, as cursors move only with what has arrived.
 */
export class HttpTransport {
  #hooks;
  #site;
  #rooms;
  #round = new AbortController();
  #life = new AbortController();
  #isReady = false;

  constructor(site, rooms, hooks) {
    this.#site = site;
    this.#rooms = rooms;
    this.#hooks = hooks;
    const first = this.#round;
    // Not at once: the fields of a subclass are made after this constructor.
    queueMicrotask(() => first === this.#round && this.#start());
  }

  /** The server. */
  get site() {
    return this.#site;
  }

  /** The rooms one is in, as they are now. */
  get rooms() {
    return this.#rooms();
  }

  /** The query arguments that name the rooms and where one is in them. */
  get cursors() {
    const rooms = this.rooms;
    return [
      ...rooms.map(({ name }) => ['room', name]),
      ...rooms.map(({ seq }) => ['after', seq ?? 0]),
      ...rooms.map(({ epoch }) => ['epoch', epoch ?? '']),
    ];
  }

  subscribe() {
    this.#restart();
  }

  unsubscribe() {
    this.#restart();
  }

  send(command) {
    postCommand(this.#site, command, this.#life.signal, (answer) => this.say(answer));
  }

  close() {
    this.#round.abort();
    this.#life.abort();
  }

  /** Hands on what the server has said. */
  say(message) {
    this.#hooks.message(message);
  }

  /** Tells that the connection works; true the first time. */
  ready() {
    if (this.#isReady) return false;
    this.#isReady = true;
    this.#hooks.ready({});
    return true;
  }

  /** Ends a round, unless it is over. */
  finish(round, close) {
    if (round.signal.aborted) return;
    round.abort();
    this.#hooks.closed(close);
  }

  #restart() {
    this.#round.abort();
    this.#round = new AbortController();
    this.#start();
  }

  // No request can wait for nothing; commands have their own.
  async #stayWithoutRooms({ signal }) {
    await this.#site.call('GET', '/api/session', { signal });
    if (!signal.aborted) this.ready();
  }

  async #start() {
    const round = this.#round;
    try {
      if (this.rooms.length) await this.run(round);
      else await this.#stayWithoutRooms(round);
    } catch (error) {
      this.finish(round, closeFor(error));
    }
  }
}
