import { call } from './api.js';
import { Emitter } from './emitter.js';

/** How long the server may hold a question for news, in seconds, and an answer may take, in milliseconds. */
const WAIT = 25;
const PATIENCE = 35_000;

/** The shortest time between a failed question and the next, in milliseconds. */
const PAUSE = 2_000;

/** By this the refusals of a WebSocket are told from others. */
const ID = 'pairing';

const TOLD = ['waiting', 'paired', 'unpaired', 'kept'];

/**
 * What the server and this page say to each other about pairing: over the connection's WebSocket, and by requests where
 * it has another transport. Emits `found` whenever the connection stands anew (what one was told last, or null), `told`
 * (each of `waiting`, `paired`, `unpaired` and `kept`) and `failed` (why a command was refused).
 */
export class PairLine extends Emitter {
  #connection;
  #told = null;
  #round = null;

  constructor(connection) {
    super();
    this.#connection = connection;
    for (const type of TOLD) connection.on(type, (state) => this.emit('told', state));
    connection.on('error', (error) => error.id === ID && this.emit('failed', error));
    connection.on('state', ({ name }) => (name === 'online' ? this.#open() : this.#round?.abort()));
  }

  /** Sends a command; says false, and does nothing, while not online. */
  send(command) {
    if (!this.#connection.isOnline) return false;
    if (this.#hasSocket) this.#connection.send({ ...command, id: ID });
    else this.#post(command);
    return true;
  }

  get #hasSocket() {
    return this.#connection.state.transport === 'ws';
  }

  // On a WebSocket one is told of what comes after the first command.
  async #open() {
    this.#round?.abort();
    const round = (this.#round = new AbortController());
    try {
      this.#find(await this.#ask({ wait: 0 }, round));
      while (!this.#hasSocket && !round.signal.aborted) this.#take(await this.#ask({ told: this.#told, wait: WAIT }, round));
    } catch (error) {
      if (!round.signal.aborted) setTimeout(() => round.signal.aborted || this.#connection.connect(), pauseAfter(error));
    }
  }

  async #ask(query, { signal }) {
    const answer = await call('GET', '/api/pairing', { query, signal, patience: PATIENCE });
    signal.throwIfAborted();
    return answer;
  }

  async #post(command) {
    try {
      this.#take(await call('POST', '/api/pairing', { body: command }));
    } catch (error) {
      this.emit('failed', error);
    }
  }

  #find({ told, state }) {
    this.#told = told;
    this.emit('found', state);
  }

  // A lower number is that of a server that has started anew, or has given us up meanwhile.
  #take({ told, state }) {
    if (told === this.#told) return;
    const isAnew = told < this.#told;
    this.#told = told;
    if (state && !isAnew) this.emit('told', state);
    else this.emit('found', state);
  }
}

function pauseAfter({ retryAfter }) {
  return Math.max(PAUSE, (retryAfter ?? 0) * 1_000);
}
