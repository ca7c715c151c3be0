import { Connection } from './connection.js';
import { Emitter } from './emitter.js';
import { Closed, Refused, RoomLost } from './errors.js';
import { Outbox } from './outbox.js';
import { Room } from './room.js';
import { roomKey } from './room-name.js';
import { Site } from './site.js';

/** How long what is said but not acknowledged has when the client closes, in milliseconds. */
const CLOSE_WITHIN = 5_000;

/** Events of a room that may wait to be taken by its reader. */
const QUEUE_LIMIT = 10_000;

const NOTES = ['joined', 'left', 'typing', 'read'];

/** How the states of a Connection that does not come back by itself are called here. */
const ENDS = { 'signed-out': 4401, offline: 1000 };

/**
 * One person's client, for programs: joins rooms and says things. It emits `state` (the state, whenever it changes).
 */
export class Client extends Emitter {
  #site;
  #user;
  #connection;
  #outbox;
  #endsSession;
  #queueLimit;
  #closed = null;
  #joined = new Map();
  #unanswered = new Map();

  /**
   * A client of the server at `address`, like "https://chat.example.org" (without one, of the page's own). Who one is: a
   * guest with `name`, an account with `name` and `password`, whom a `token` names (that of a bot, or of a session), or
   * else whom the browser's cookie does.
   *
   * `transport` ("ws", "stream" or "poll") takes one way and no other; without it the best one that is not blocked is
   * taken. `outbox` is a name under which what is not acknowledged is kept in the browser's storage. `outboxLimit`
   * commands may wait to be acknowledged, and `queueLimit` events of a room to be taken by its reader.
   *
   * Throws Refused (`name_taken`, `unauthenticated` …), Unreachable.
   */
  static async open(address, { name, password, token, ...options } = {}) {
    if (name !== undefined && token !== undefined) throw new TypeError('either a name or a token says who one is');
    const hasName = name !== undefined;
    const site = new Site(address, { token: hasName ? '' : token });
    if (!hasName) return new Client(site, (await site.call('GET', '/api/session')).user, options);
    const body = password === undefined ? { name } : { name, password };
    const session = await site.call('POST', '/api/session', { body });
    return new Client(site.as(session.token), session.user, { ...options, endsSession: true });
  }

  constructor(site, user, { transport, outbox, outboxLimit, queueLimit = QUEUE_LIMIT, endsSession = false } = {}) {
    super();
    this.#site = site;
    this.#user = user;
    this.#endsSession = endsSession;
    this.#queueLimit = queueLimit;
    this.#connection = new Connection(site, { transport });
    this.#outbox = new Outbox(this.#connection, outbox, { limit: outboxLimit });
    this.#follow();
    this.#connection.start();
  }

  /** Who one is: `{id, name, guest}`. */
  get user() {
    return this.#user;
  }

  /** What signs in as the same person elsewhere, until the client closes; null where the browser's cookie does. */
  get token() {
    return this.#site.token;
  }

  /** "connecting", "online", "reconnecting", "out" (of all rooms: it connects again when something is wanted), "closed". */
  get state() {
    const { name } = this.#connection.state;
    return this.#closed || name in ENDS ? 'closed' : name;
  }

  /** Why the client is closed, a Closed; null while it is not. */
  get closed() {
    return this.#closed;
  }

  /** The way to the server that is taken now. */
  get transport() {
    return this.#connection.state.transport;
  }

  /** How much of what was said is not acknowledged. */
  get unsent() {
    return this.#outbox.unsent;
  }

  /**
   * Joins a room, or returns it where one is in it. Its last `history` messages are in `recent`. With a `cursor` it goes
   * on from there instead, and what was missed are its first events. It waits for as long as there is no connection.
   * Throws RoomLost (a Refused) where the room cannot be had, Closed.
   */
  join(name, { history, cursor } = {}) {
    if (this.#closed) return Promise.reject(this.#closed);
    const known = this.#joined.get(roomKey(name));
    if (known) return known.answered;
    const joined = { room: new Room(this, name, { cursor, queueLimit: this.#queueLimit }) };
    joined.answered = new Promise((resolve, reject) => Object.assign(joined, { resolve, reject }));
    joined.answered.catch(() => null); // whoever joins may have gone away
    this.#joined.set(roomKey(name), joined);
    this.#connection.subscribe(name, { history, cursor });
    return joined.answered;
  }

  /** Receives a room, given as it is or by its name, no longer. */
  leave(room) {
    const name = typeof room === 'string' ? room : room.name;
    const joined = this.#joined.get(roomKey(name));
    if (!joined || (typeof room !== 'string' && joined.room !== room)) return;
    this.#connection.unsubscribe(name);
    this.#part(name, new RoomLost('left', 'One has left the room.'), null);
  }

  /** Says something in a room without joining it, as `Room.send` does. */
  send(room, said, options) {
    return this.#say({ type: 'send', room, ...(typeof said === 'string' ? { text: said } : said) }, options);
  }

  edit(room, target, text) {
    return this.#say({ type: 'edit', room, target: seqOf(target), text });
  }

  delete(room, target) {
    return this.#say({ type: 'delete', room, target: seqOf(target) });
  }

  react(room, target, emoji, { on = true } = {}) {
    return this.#say({ type: 'react', room, target: seqOf(target), emoji, on });
  }

  /** Says what passes; lost while there is no connection. */
  tell(command) {
    this.#connection.send(command);
  }

  /** The rooms one may see, the latest active first. Throws Refused, Unreachable. */
  async rooms({ limit = 200 } = {}) {
    return (await this.call('GET', '/api/rooms', { query: { limit } })).rooms;
  }

  /** Makes a room, with the settings that the contract has. Throws Refused (`name_taken` …), Unreachable. */
  makeRoom(settings = {}) {
    return this.call('POST', '/api/rooms', { body: settings });
  }

  /** Calls the HTTP interface, for all that has no method here. Throws Refused, Unreachable. */
  call(method, path, options) {
    return this.#site.call(method, path, options);
  }

  /** Waits a moment for what is not acknowledged, ends the connection, and signs out where `open` has signed in. */
  async close() {
    if (this.#closed) return;
    await this.#emptied(CLOSE_WITHIN);
    this.#end(1000, 'The client is closed.');
    if (!this.#endsSession) return;
    await this.call('DELETE', '/api/session', { patience: CLOSE_WITHIN }).catch((error) => console.info('not signed out:', error));
  }

  #follow() {
    const connection = this.#connection;
    const inRoom = (take) => (event) => {
      const joined = this.#joined.get(roomKey(event.room));
      if (joined) take(joined, event);
    };
    connection.on('entries', inRoom(({ room }, { entries }) => room.take(entries)));
    connection.on('gap', inRoom(({ room }, { gap: [first, last] }) => room.note({ type: 'gap', room: room.name, first, last })));
    connection.on('reset', inRoom(({ room }, { epoch }) => room.note({ type: 'reset', room: room.name, epoch })));
    connection.on('subscribed', inRoom((joined, event) => this.#begin(joined, event)));
    connection.on('people', inRoom(({ room }, { members, people }) => room.takeMembers(members, people)));
    for (const type of NOTES) connection.on(type, inRoom(({ room }, event) => room.note(event)));
    connection.on('refused', ({ room, code, reason }) => this.#lose(room, new RoomLost(code, reason, { room })));
    connection.on('state', (state) => this.#turn(state));
    this.#outbox.on('settled', ({ item, ack }) => this.#answer(item.command, ack));
    this.#outbox.on('failed', (item) => this.#fail(item));
  }

  #begin({ room, resolve }, subscribed) {
    room.begin(subscribed);
    if (subscribed.members) room.takeMembers(subscribed.members, subscribed.people);
    resolve(room);
  }

  #lose(name, error) {
    this.#part(name, error, error);
  }

  #part(name, forWhoJoins, forReader) {
    const joined = this.#joined.get(roomKey(name));
    this.#joined.delete(roomKey(name));
    joined?.reject(forWhoJoins);
    joined?.room.end(forReader);
  }

  #turn({ name, code, reason }) {
    if (name in ENDS) this.#end(code ?? ENDS[name], reason || 'One is not signed in any more.');
    else if (!this.#closed) this.emit('state', name);
  }

  #say(command, options) {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const key = this.#outbox.add(command, options);
      this.#unanswered.set(key, { resolve, reject });
    });
  }

  #answer({ key, room }, { seq, at }) {
    this.#unanswered.get(key)?.resolve({ room, key, seq, at });
    this.#unanswered.delete(key);
  }

  #fail({ command: { key }, code, reason, retryAfter }) {
    this.#unanswered.get(key)?.reject(new Refused(code, reason, { retryAfter }));
    this.#unanswered.delete(key);
    this.#outbox.discard(key);
  }

  #emptied(milliseconds) {
    if (this.unsent === 0) return null;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      const stop = this.#outbox.on('change', () => {
        if (this.unsent > 0) return;
        stop();
        clearTimeout(timer);
        resolve();
      });
    });
  }

  // The end, for all that waits for something.
  #end(code, reason) {
    if (this.#closed) return;
    this.#closed = new Closed(code, reason);
    this.#connection.close();
    this.#outbox.close();
    for (const { room } of [...this.#joined.values()]) this.#part(room.name, this.#closed, this.#closed);
    for (const { reject } of this.#unanswered.values()) reject(this.#closed);
    this.#unanswered.clear();
    this.emit('state', 'closed');
  }
}

function seqOf(target) {
  return typeof target === 'number' ? target : target.seq;
}
