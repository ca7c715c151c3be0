import { Emitter } from './emitter.js';
import { OutboxFull } from './errors.js';
import { newKey } from './keys.js';
import { OutboxShelf } from './outbox-shelf.js';
import { roomKey } from './room-name.js';

/** An answer that has not come after so long is asked for again, in milliseconds. */
const ANSWER_WITHIN = 10_000;

/** The errors after which waiting helps, and how long where the server does not say it, in milliseconds. */
const PASSING = new Set(['unavailable', 'rate_limited']);
const PAUSE = 2_000;

/** A wait shorter than this is not worth counting down, in milliseconds. */
const NO_WAIT = 1_500;

/** Where nothing is kept over a reload. */
const NO_SHELF = { store() {}, takeOrphans: () => [], handTo() {}, close() {} };

/** So much may wait to be acknowledged. */
const LIMIT = 10_000;

/** How often the items of closed tabs are looked for, in milliseconds. */
const ADOPT_EVERY = 30_000;

/**
 * What has been said but not yet acknowledged: commands of the contract, each sent again under its key
 * until it is acknowledged or refused. In each room one is under way at a time, which keeps their order.
 *
 * Items are `{command, at, state, reason, wait}`: `at` when it was said (ms since the epoch), `state` "sending"
 * (where it has to wait before it goes again, for `wait` seconds) or "failed" (then with `code`, `reason`, `retryAfter`). Emits `change`
 * (the room's name), `settled` (`{item, ack}`), `refused` (`{room, code}`: for now or for good) and `failed` (the item).
 */
export class Outbox extends Emitter {
  #connection;
  #shelf;
  #limit;
  #items = [];
  #underWay = new Map();
  #adopting;

  /**
   * `author`: under whose name the items are kept over a reload; without one they are not. `limit`: how many there may
   * be.
   */
  constructor(connection, author = null, { limit = LIMIT } = {}) {
    super();
    this.#connection = connection;
    this.#limit = limit;
    this.#shelf = author === null ? NO_SHELF : new OutboxShelf(author);
    connection.on('state', () => this.#startAfresh());
    connection.on('ack', (ack) => this.#settle(ack.key, ack));
    connection.on('error', (error) => error.key && this.#refuse(error));
    connection.on('entries', ({ entries }) => {
      for (const entry of entries) if (entry.key) this.#settle(entry.key, entry);
    });
    this.#adopt();
    if (author !== null) this.#adopting = setInterval(() => this.#adopt(), ADOPT_EVERY);
  }

  /** How much is on its way. */
  get unsent() {
    return this.#items.filter(({ state }) => state === 'sending').length;
  }

  /**
   * Sends a command (its `type`, `room` and further fields) under a new key, which it returns; throws OutboxFull. Where
   * it is too much for now it waits, unless it is not to be `patient`: then it has failed.
   */
  add(command, { patient = true } = {}) {
    if (this.#items.length >= this.#limit) throw new OutboxFull('full', `${this.#limit} messages wait to be acknowledged.`);
    const key = newKey();
    this.#items.push({ command: { ...command, key }, at: Date.now(), state: 'sending', ...(!patient && { patient }) });
    this.#changed(command.room);
    return key;
  }

  /** The messages of a room that are still to be acknowledged, in order. */
  messagesOf(room) {
    return this.#items.filter(({ command }) => command.type === 'send' && roomKey(command.room) === roomKey(room));
  }

  /** Goes on under another name: what this page has not sent yet is sent as that person. */
  handTo(author) {
    this.#shelf.handTo(author);
  }

  /** Sends a refused command once more, under its key. */
  retry(key) {
    const item = this.#find(key);
    if (!item) return;
    item.state = 'sending';
    this.#changed(item.command.room);
  }

  /** Forgets a command. */
  discard(key) {
    const item = this.#find(key);
    if (item) this.#remove(item);
  }

  /** Sends nothing any more, for the end of a connection; what is kept over a reload stays where it is. */
  close() {
    clearInterval(this.#adopting);
    this.#shelf.close();
    for (const { timer } of this.#underWay.values()) clearTimeout(timer);
    this.#underWay.clear();
    this.#items = [];
  }

  #find(key) {
    return this.#items.find(({ command }) => command.key === key);
  }

  #remove(item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#release(item.command);
    this.#changed(item.command.room);
  }

  #adopt() {
    const orphans = this.#shelf.takeOrphans().map(({ wait, ...item }) => item);
    this.#items.unshift(...orphans);
    for (const room of new Set(orphans.map(({ command }) => command.room))) this.#changed(room);
  }

  #changed(room) {
    this.#shelf.store(this.#items);
    this.emit('change', room);
    this.#pump(room);
  }

  #startAfresh() {
    for (const { key } of [...this.#underWay.values()]) this.#release(this.#find(key).command);
    for (const room of new Set(this.#items.map(({ command }) => command.room))) this.#pump(room);
  }

  #pump(room) {
    const lane = roomKey(room);
    if (this.#underWay.has(lane)) return;
    const next = this.#items.find(({ command, state }) => state === 'sending' && roomKey(command.room) === lane);
    if (!next || !this.#connection.send(next.command)) return;
    this.#hold(next.command, ANSWER_WITHIN);
    if (next.wait === undefined) return;
    next.wait = undefined;
    this.emit('change', room);
  }

  // Keeps a room's lane taken until an answer comes or the time (ms) is up; then the command goes again.
  #hold({ key, room }, time) {
    clearTimeout(this.#underWay.get(roomKey(room))?.timer);
    const timer = setTimeout(() => {
      this.#underWay.delete(roomKey(room));
      this.#pump(room);
    }, time);
    const held = { key, timer };
    this.#underWay.set(roomKey(room), held);
    return held;
  }

  // Sends a command again after a time (ms), and counts the seconds down until then.
  #postpone(item, time) {
    const { room } = item.command;
    const held = this.#hold(item.command, time);
    const end = performance.now() + time;
    const count = () => {
      if (this.#underWay.get(roomKey(room)) !== held) return;
      const left = Math.ceil((end - performance.now()) / 1_000);
      item.wait = time >= NO_WAIT && left > 0 ? left : undefined;
      this.emit('change', room);
      if (item.wait) setTimeout(count, 1_000);
    };
    count();
  }

  #release({ key, room }) {
    const held = this.#underWay.get(roomKey(room));
    if (held?.key !== key) return;
    clearTimeout(held.timer);
    this.#underWay.delete(roomKey(room));
  }

  #settle(key, ack) {
    const item = this.#find(key);
    if (!item) return;
    this.emit('settled', { item, ack });
    this.#remove(item);
  }

  #refuse({ key, code, reason, retry_after: seconds }) {
    const item = this.#find(key);
    if (!item) return;
    this.emit('refused', { room: item.command.room, code });
    const mayWait = PASSING.has(code) && !(code === 'rate_limited' && item.patient === false);
    if (mayWait) {
      this.#postpone(item, seconds ? seconds * 1_000 : PAUSE);
      return;
    }
    if (code === 'unauthenticated') return;
    Object.assign(item, { state: 'failed', code, reason, retryAfter: seconds ?? null });
    this.#release(item.command);
    this.emit('failed', item);
    this.#changed(item.command.room);
  }
}
