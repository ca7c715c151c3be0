import { Backoff } from './backoff.js';
import { Emitter } from './emitter.js';
import { Refused } from './errors.js';
import { roomApi } from './room-name.js';
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
const NORMAL = 1000;
const LOST = 1006;
const TOO_MUCH = 4429;

/**
 * The one connection of a page to the server. It carries several rooms over whichever transport gets
 * through, comes back by itself after a loss, and goes on where each room's cursor stands.
 *
 * It emits `state` (the value of `state`), `subscribed` (`{room, title, members, people, epoch, seq, isFirst}`),
 * `reset` (`{room, epoch}`) and `gap` (`{room, gap}`), `entries` (`{room, entries, isFirst}`; each entry once, in order),
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
  #wakers = new AbortController();
  #isForRooms;

  /**
   * `site`: the server, a Site; `transport`: "ws", "stream" or "poll" to take that one and no other; `isForRooms`:
   * whether it is wanted only while there is a room to receive; `without`: as Subscriptions has it.
   */
  constructor(site, { transport = null, isForRooms = true, without = [] } = {}) {
    super();
    this.#site = site;
    this.#subscriptions = new Subscriptions(without);
    this.#isForRooms = isForRooms;
    this.#ladder = new TransportLadder(transport, site);
    for (const type of PASSED_ON) this.#subscriptions.on(type, (detail) => this.emit(type, detail));
    this.#subscriptions.on('other', (message) => this.emit(message.type, message));
    this.#subscriptions.on('postponed', (postponed) => this.#postpone(postponed));
  }

  /**
   * `{name, transport, nextTry, code, reason}`: `name` is "connecting", "online", "reconnecting" (again at
   * `nextTry`, by performance.now()), "signed-out", "out" (of all rooms, until there is another one) or "offline"
   * (for good; a close `code` and a `reason` say why).
   */
  get state() {
    return { ...this.#state, transport: this.#ladder.current.title };
  }

  get isOnline() {
    return this.#state.name === 'online' && this.#transport !== null;
  }

  /** Connects, and comes back after losses until the server says not to. */
  start() {
    const { signal } = this.#wakers;
    globalThis.addEventListener?.('online', () => this.#hurry(), { signal });
    globalThis.document?.addEventListener('visibilitychange', () => document.hidden || this.#hurry(), { signal });
    this.connect();
  }

  /** Ends the connection for good. */
  close() {
    this.#drop();
    if (!this.#isOver) this.#end(NORMAL, 'The connection is closed.');
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

  /**
   * Receives a room from now on: from a cursor `{epoch, seq}`, or from its last `history` messages. A room already
   * received changes nothing.
   */
  subscribe(name, options) {
    const room = this.#subscriptions.add(name, options);
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

  get #isOver() {
    return this.#state.name === 'offline';
  }

  #end(code, reason) {
    this.#wakers.abort();
    this.#setState({ name: 'offline', code, reason });
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
    if (code === FORBIDDEN || code === BROKEN) await this.#refused({ code, error, reason, room, hadOpened });
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

  // A refusal is about a room, unless the connection never opened and no request for rooms was made: then it is the end.
  async #refused({ code, error, reason, room, hadOpened }) {
    const isByRequest = error !== undefined;
    const isAboutRooms = isByRequest || (code === FORBIDDEN && hadOpened);
    const hasLost = isAboutRooms && (await this.#loseRooms({ error, reason, room }));
    if (this.#isOver) return;
    const mayComeBack = hasLost || (isAboutRooms && !isByRequest && this.#subscriptions.rooms.length > 0);
    if (!mayComeBack) this.#end(code, reason);
    else if (this.#isOut) this.#setState({ name: 'out' });
    else this.#retryIn(this.#backoff.next());
  }

  // Goes on without the rooms that are lost; says whether there were any. Where the room is not named, as of several,
  // each is asked for.
  async #loseRooms({ error = 'forbidden', reason, room }) {
    const before = this.#subscriptions.rooms;
    const lost = room ? [room] : before.map(({ name }) => name);
    for (const name of lost) {
      const refusal = lost.length > 1 ? await refusalOf(this.#site, name) : { code: error, reason };
      if (refusal) this.#subscriptions.lose(name, refusal);
    }
    return this.#subscriptions.rooms.length < before.length;
  }

  // A browser does not tell why a WebSocket did not open. If the session is still good over plain HTTP
  // the server is there and this way to it is blocked; if the server is down, no other way would be open.
  // Returns whether that is the end, for the reason given where the server says no other.
  async #diagnose(code, reason = null) {
    const tried = this.#ladder.current;
    const failure = await this.#site.call('GET', '/api/session').then(() => null, (error) => error);
    if (this.#isOver) return true;
    if (failure instanceof Refused && (failure.status === 401 || failure.status === 409)) {
      this.#drop();
      this.#setState({ name: 'signed-out', reason: failure.status === 409 ? failure.reason : reason });
      return true;
    }
    if (failure?.status === 403) {
      this.#drop();
      this.#end(FORBIDDEN, failure.reason);
      return true;
    }
    if (failure === null && code === LOST && tried === this.#ladder.current) this.#ladder.failed();
    return false;
  }

  #retryIn(milliseconds) {
    this.#timer = setTimeout(() => this.connect(), milliseconds);
    this.#setState({ name: 'reconnecting', nextTry: performance.now() + milliseconds });
  }

  #postpone({ room, seconds }) {
    const transport = this.#transport;
    const isWanted = () => transport === this.#transport && this.#subscriptions.has(room);
    setTimeout(() => isWanted() && transport.subscribe(room), seconds * 1_000);
  }
}

// Why a room cannot be had, `{code, reason}`; null where it can, or where that is not known.
async function refusalOf(site, name) {
  const error = await site.call('GET', roomApi(name)).then(() => null, (failure) => failure);
  return error && REFUSALS.has(error.status) ? error : null;
}
