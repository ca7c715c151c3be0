import { here } from './api.js';
import { Backoff } from './backoff.js';
import { Emitter } from './emitter.js';
import { roomApi } from './room-name.js';
import { ApiError } from './site.js';
import { Subscriptions } from './subscriptions.js';
import { CLIMB_AFTER, TransportLadder } from './transport-ladder.js';

/** A connection that has lasted so long counts as sound: the next loss is followed by an immediate try, in milliseconds. */
const SOUND_AFTER = 5_000;

/** The bound of the random wait where the server says that it leaves, so that its clients spread out, in milliseconds. */
const RESTART_SPREAD = 1_500;

/** How long to wait after 4429 where the server does not say it, in seconds. */
const BUSY_WAIT = 5;

/** What the subscriptions say and the connection says after them. */
const PASSED_ON = ['subscribed', 'reset', 'gap', 'entries', 'refused'];

/** The statuses of a room that cannot be had. */
const REFUSALS = new Set([400, 403, 404]);

const RESTARTS = new Set([1001, 1012]);
const BROKEN = 4400;
const UNAUTHENTICATED = 4401;
const FORBIDDEN = 4403;
const TOO_MUCH = 4429;

/**
 * The one connection of a page to the server. It carries several rooms over whichever transport gets
 * through, comes back by itself after a loss, and goes on where each room's cursor stands.
 *
 * It emits `state` (the value of `state`), `subscribed` (`{room, title, members, people, isFirst}`),
 * `reset` and `gap` (`{room, gap}`), `entries` (`{room, entries, isFirst}`; each entry once, in order),
 * `refused` (a room that cannot be had, or no longer: `{room, code, reason}`), and all else that the server
 * sends under its own type (`welcome`, `ack`, `error`, `joined`, `left`, `typing`, `read`, `signal`, and from a long-poll
 * `people`: a room's whole list, `isReturn` where it is the first after a break).
 */
export class Connection extends Emitter {
  #site;
  #subscriptions;
  #ladder;
  #backoff = new Backoff();
  #transport = null;
  #timer;
  #climbTimer;
  #readyAt = null;
  #state = { name: 'connecting' };
  #isForRooms;

  /**
   * `transport`: "ws", "stream" or "poll" to take that one and no other; `site`: the server, a Site; `isForRooms`:
   * whether it is wanted only while there is a room to receive; `without`: as Subscriptions has it.
   */
  constructor({ transport = null, site = here, isForRooms = true, without = [] } = {}) {
    super();
    this.#subscriptions = new Subscriptions(without);
    this.#site = site;
    this.#isForRooms = isForRooms;
    this.#ladder = new TransportLadder(transport, site);
    for (const type of PASSED_ON) this.#subscriptions.on(type, (detail) => this.emit(type, detail));
    this.#subscriptions.on('other', (message) => this.emit(message.type, message));
    this.#subscriptions.on('postponed', (postponed) => this.#postpone(postponed));
  }

  /**
   * `{name, transport, nextTry, reason}`: `name` is "connecting", "online", "reconnecting" (again at
   * `nextTry`, by performance.now()), "signed-out", "out" (of all rooms, until there is another one) or "offline"
   * (for good; `reason` says why).
   */
  get state() {
    return { ...this.#state, transport: this.#ladder.current.title };
  }

  get isOnline() {
    return this.#state.name === 'online';
  }

  /** Connects, and comes back after losses until the server says not to. */
  start() {
    globalThis.addEventListener?.('online', () => this.#hurry());
    globalThis.document?.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
    this.connect();
  }

  /** Ends the connection for good. */
  close() {
    this.#drop();
    this.#setState({ name: 'offline', reason: '' });
  }

  /** Connects now, whatever the state; for "try now", and after signing in. */
  connect() {
    this.#drop();
    this.#setState({ name: 'connecting' });
    const isCurrent = () => transport === this.#transport;
    const transport = new this.#ladder.current(this.#site, () => this.#subscriptions.rooms, {
      ready: (welcome) => isCurrent() && this.#ready(welcome),
      message: (message) => isCurrent() && this.#subscriptions.take(message),
      closed: (close) => isCurrent() && this.#closed(close),
    });
    this.#transport = transport;
  }

  /** Receives a room from now on. A room already received changes nothing. */
  subscribe(name) {
    const room = this.#subscriptions.add(name);
    if (room && this.#state.name === 'out') this.connect();
    else if (room) this.#transport?.subscribe(room);
  }

  /** Receives a room no longer. */
  unsubscribe(name) {
    const room = this.#subscriptions.remove(name);
    if (room) this.#transport?.unsubscribe(room);
  }

  /** Sends a command of the contract; says false, and does nothing, while not online. */
  send(command) {
    if (this.isOnline) this.#transport.send(command);
    return this.isOnline;
  }

  get #isOut() {
    return this.#isForRooms && this.#subscriptions.rooms.length === 0;
  }

  #hurry() {
    if (this.#state.name === 'reconnecting') this.connect();
  }

  #setState(state) {
    this.#state = state;
    this.emit('state', this.state);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#climbTimer);
    this.#transport?.close();
    this.#transport = null;
    this.#readyAt = null;
  }

  #ready(welcome) {
    this.#readyAt = performance.now();
    this.#ladder.succeeded();
    if (this.#ladder.canClimb) this.#climbTimer = setTimeout(() => this.#climb(), CLIMB_AFTER);
    if (welcome.user) this.emit('welcome', welcome);
    this.#setState({ name: 'online' });
  }

  #climb() {
    this.#ladder.climb();
    this.connect();
  }

  async #closed({ code, reason, retryAfter, room, error }) {
    const lasted = this.#readyAt === null ? 0 : performance.now() - this.#readyAt;
    const hadOpened = this.#readyAt !== null;
    this.#drop();
    if (lasted > SOUND_AFTER) this.#backoff.reset();
    if (code === FORBIDDEN || (code === BROKEN && error)) await this.#loseRooms({ code, error, reason, room });
    else if (code === BROKEN) this.#setState({ name: 'offline', reason });
    else if (code === TOO_MUCH) this.#retryIn((retryAfter ?? BUSY_WAIT) * 1_000);
    else if (RESTARTS.has(code)) this.#retryIn(Math.max(this.#backoff.next(), Math.random() * RESTART_SPREAD));
    else if (code === UNAUTHENTICATED) await this.#askWhoOneIs(hadOpened ? reason : null);
    else if (this.#isOut) this.#setState({ name: 'out' });
    else this.#retryIn(this.#backoff.next());
    const isClear = code === BROKEN || code === FORBIDDEN || code === UNAUTHENTICATED;
    if (!hadOpened && !isClear) await this.#diagnose(code);
  }

  // Whoever is signed in all the same may come in again.
  async #askWhoOneIs(reason) {
    this.#setState({ name: 'connecting' });
    if (!(await this.#diagnose(UNAUTHENTICATED, reason))) this.#retryIn(this.#backoff.next());
  }

  // Goes on without the room that is lost. Where it is not named, as of several rooms, each is asked for.
  async #loseRooms({ code, error = 'forbidden', reason, room }) {
    const before = this.#subscriptions.rooms;
    const lost = room ? [room] : before.map(({ name }) => name);
    for (const name of lost) {
      const refusal = lost.length > 1 ? await refusalOf(this.#site, name) : { code: error, reason };
      if (refusal) this.#subscriptions.lose(name, refusal);
    }
    const isSame = this.#subscriptions.rooms.length === before.length;
    if (code === BROKEN && isSame) this.#setState({ name: 'offline', reason });
    else if (this.#isOut) this.#setState({ name: 'out' });
    else this.#retryIn(this.#backoff.next());
  }

  // A browser does not tell why a WebSocket did not open. If the session is still good over plain HTTP
  // the server is there and this way to it is blocked; if the server is down, no other way would be open.
  // Returns whether one is signed out, for the reason given where the server says no other.
  async #diagnose(code, reason = null) {
    const tried = this.#ladder.current;
    const session = await this.#site.call('GET', '/api/session').catch((error) => error);
    if (session instanceof ApiError && (session.status === 401 || session.status === 409)) {
      this.#drop();
      this.#setState({ name: 'signed-out', reason: session.status === 409 ? session.reason : reason });
      return true;
    }
    if (!(session instanceof ApiError) && code === 1006 && tried === this.#ladder.current) {
      this.#ladder.failed();
    }
    return false;
  }

  #retryIn(milliseconds) {
    this.#timer = setTimeout(() => this.connect(), milliseconds);
    this.#setState({ name: 'reconnecting', nextTry: performance.now() + milliseconds });
  }

  #postpone({ room, seconds }) {
    const transport = this.#transport;
    setTimeout(() => transport === this.#transport && transport.subscribe(room), seconds * 1_000);
  }
}

// Why a room cannot be had, `{code, reason}`; null where it can, or where that is not known.
async function refusalOf(site, name) {
  const error = await site.call('GET', roomApi(name)).then(() => null, (failure) => failure);
  return error && REFUSALS.has(error.status) ? error : null;
}
