import { Connection } from './connection.js';
import { Emitter } from './emitter.js';
import { Outbox } from './outbox.js';
import { roomApi, roomKey } from './room-name.js';
import { ApiError, Site } from './site.js';

/** What the connection says and the client says after it. */
const PASSED_ON = ['state', 'reset', 'gap', 'subscribed', 'people', 'joined', 'left', 'typing', 'read', 'unsubscribed'];

/** The states of a connection that does not come back by itself. */
const ENDS = new Set(['signed-out', 'offline']);

/**
 * One person's client, for programs: joins rooms, says things, and tells what happens.
 *
 * It emits each entry under its type, once and in order (`message`, `edit`, `delete`, `reaction`, as the contract has
 * them), `lost` (a room one is in no longer: `{room, code, reason}`), and what Connection emits of `state`, `reset`,
 * `gap`, `subscribed`, `people`, `joined`, `left`, `typing` and `read`.
 */
export class Client extends Emitter {
  #site;
  #user;
  #connection;
  #outbox;
  #endsSession;
  #rooms = new Map();
  #joining = new Map();
  #unanswered = new Map();

  /**
   * A client of the server at `origin` (without one, of the page's own): as a guest with `name`, as an account with
   * `name` and `password`, as whom a `token` names, or else as whom the browser's cookie does. `transport`: "ws",
   * "stream" or "poll" to take that one and no other. Throws ApiError.
   */
  static async open(origin, { name, password, token = null, transport = null } = {}) {
    let site = new Site(origin, { token });
    let user;
    if (name === undefined) {
      ({ user } = await site.call('GET', '/api/session'));
    } else {
      const body = password === undefined ? { name } : { name, password };
      const session = await site.call('POST', '/api/session', { body });
      user = session.user;
      // A page has the cookie now, and only with that it may open a WebSocket.
      if (!('document' in globalThis)) site = new Site(origin, { token: session.token });
    }
    return new Client(site, user, { transport, endsSession: name !== undefined });
  }

  constructor(site, user, { transport = null, endsSession = false } = {}) {
    super();
    this.#site = site;
    this.#user = user;
    this.#endsSession = endsSession;
    this.#connection = new Connection({ site, transport });
    this.#outbox = new Outbox(this.#connection);
    for (const type of PASSED_ON) this.#connection.on(type, (detail) => this.emit(type, detail));
    this.#connection.on('entries', (event) => this.#take(event));
    this.#connection.on('subscribed', (event) => this.#joined(event));
    this.#connection.on('refused', (event) => this.#lose(event));
    this.#connection.on('state', ({ name, reason }) => ENDS.has(name) && this.#end(name, reason));
    this.#outbox.on('settled', ({ item, ack: { seq, at } }) => this.#answer(item.command.key, { seq, at }));
    this.#outbox.on('failed', (item) => this.#fail(item));
    this.#connection.start();
  }

  /** Who one is: `{id, name, guest}`. */
  get user() {
    return this.#user;
  }

  /** The state of the connection, as Connection has it. */
  get state() {
    return this.#connection.state;
  }

  /** Receives a room from now on; resolves to `{room, title, messages}`, with its latest messages. */
  join(room) {
    const known = this.#rooms.get(roomKey(room));
    if (known) return known;
    const joining = new Promise((resolve, reject) => {
      this.#joining.set(roomKey(room), { resolve, reject, messages: [] });
    });
    this.#rooms.set(roomKey(room), joining);
    this.#connection.subscribe(room);
    return joining;
  }

  /** Receives a room no longer. */
  leave(room) {
    this.#rooms.delete(roomKey(room));
    this.#connection.unsubscribe(room);
  }

  /** Says a text, or `{kind, data}`; resolves to `{seq, at}` once it is stored, however long that takes, or rejects. */
  send(room, said) {
    return this.#change({ type: 'send', room, ...(typeof said === 'string' ? { text: said } : said) });
  }

  /** Edits the message `target` (a `seq`) of one's own. */
  edit(room, target, text) {
    return this.#change({ type: 'edit', room, target, text });
  }

  delete(room, target) {
    return this.#change({ type: 'delete', room, target });
  }

  react(room, target, emoji, on = true) {
    return this.#change({ type: 'react', room, target, emoji, on });
  }

  /** Tells that one is typing; lost where the connection is. */
  typing(room) {
    this.#connection.send({ type: 'typing', room });
  }

  /** Tells how far one has read; lost where the connection is. */
  read(room, seq) {
    this.#connection.send({ type: 'read', room, seq });
  }

  /** A page of history: `{entries, more, seq, epoch}`, the last `limit` messages before `before`, or of all. */
  history(room, { before, limit = 50 } = {}) {
    return this.call('GET', `${roomApi(room)}/messages`, { query: { limit, ...(before && { before }) } });
  }

  /** Calls the HTTP interface, as Site has it. */
  call(method, path, options) {
    return this.#site.call(method, path, options);
  }

  /** Ends the connection, and the session where `open` began it. What is not acknowledged by then rejects. */
  async close() {
    this.#connection.close();
    this.#outbox.close();
    if (this.#endsSession) await this.call('DELETE', '/api/session').catch(() => null);
  }

  #change(command) {
    if (ENDS.has(this.state.name)) return Promise.reject(ended(this.state));
    return new Promise((resolve, reject) => {
      const answers = { resolve, reject };
      this.#unanswered.set(this.#outbox.add(command), answers);
    });
  }

  #answer(key, answer) {
    this.#unanswered.get(key)?.resolve(answer);
    this.#unanswered.delete(key);
  }

  #fail({ command: { key }, code, reason }) {
    this.#unanswered.get(key)?.reject(new ApiError(0, code, reason));
    this.#unanswered.delete(key);
    this.#outbox.discard(key);
  }

  #take({ room, entries }) {
    const joining = this.#joining.get(roomKey(room));
    if (joining) joining.messages.push(...entries);
    else for (const entry of entries) this.emit(entry.type, entry);
  }

  #joined({ room, title }) {
    const joining = this.#joining.get(roomKey(room));
    this.#joining.delete(roomKey(room));
    joining?.resolve({ room, title: title ?? room, messages: joining.messages });
  }

  #lose({ room, code, reason }) {
    const joining = this.#joining.get(roomKey(room));
    this.#joining.delete(roomKey(room));
    this.#rooms.delete(roomKey(room));
    if (joining) joining.reject(new ApiError(0, code, reason));
    else this.emit('lost', { room, code, reason });
  }

  #end(name, reason) {
    const error = ended({ name, reason });
    for (const { reject } of [...this.#joining.values(), ...this.#unanswered.values()]) reject(error);
    this.#joining.clear();
    this.#unanswered.clear();
  }
}

function ended({ name, reason }) {
  const isSignedOut = name === 'signed-out';
  return new ApiError(0, isSignedOut ? 'unauthenticated' : 'closed', reason || 'The connection has ended.');
}
