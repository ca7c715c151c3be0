import { Emitter } from './emitter.js';
import { roomKey } from './room-name.js';

/** The refusals after which waiting helps. */
const PASSING = new Set(['rate_limited', 'unavailable']);

/** What a room is lost for that ends without a word. */
const OVER = { code: 'not_found', reason: 'This room is over.' };

const ENTRY_TYPES = new Set(['message', 'edit', 'delete', 'reaction']);

/**
 * The rooms that a connection carries and how far each has been read: objects `{name, seq, epoch,
 * without}`, with `seq` and `epoch` null until the server has answered. It takes the server's messages and emits what is
 * new in them, as Connection says; a transport that repeats an entry is not heard twice.
 */
export class Subscriptions extends Emitter {
  #rooms = new Map();
  #without;

  /** `without`: the kinds of messages that are not wanted where the log is read; what comes live has them all. */
  constructor(without = []) {
    super();
    this.#without = without;
  }

  /** The rooms in the order they were added. */
  get rooms() {
    return [...this.#rooms.values()];
  }

  /** Adds a room; returns it, or null where it was here already. */
  add(name) {
    if (this.#rooms.has(roomKey(name))) return null;
    const room = { name, seq: null, epoch: null, without: this.#without };
    this.#rooms.set(roomKey(name), room);
    return room;
  }

  /** Removes a room; returns it, or undefined where it was not here. */
  remove(name) {
    const room = this.#rooms.get(roomKey(name));
    this.#rooms.delete(roomKey(name));
    return room;
  }

  /** Takes a message of the server. */
  take(message) {
    const room = this.#rooms.get(roomKey(message.room ?? ''));
    if (ENTRY_TYPES.has(message.type)) this.#takeEntries(room, [message], false);
    else if (message.type === 'subscribed') this.#takeSubscribed(room, message);
    else if (message.type === 'error' && message.id) this.#takeRefusal(message);
    else if (message.type === 'error' && room && !message.key) this.lose(room.name, message);
    else if (message.type === 'unsubscribed' && isOver(room)) this.lose(room.name, OVER);
    else this.emit('other', message);
  }

  /** Takes note that a room is lost, for the reason `{code, reason}`. */
  lose(name, { code, reason }) {
    if (this.remove(name)) this.emit('refused', { room: name, code, reason });
  }

  #takeSubscribed(room, { title, members, people, epoch, seq, entries, gap, reset }) {
    if (!room) return;
    const isFirst = room.seq === null;
    if (reset) this.emit('reset', { room: room.name });
    if (reset || isFirst) room.seq = 0;
    room.epoch = epoch;
    if (gap) this.emit('gap', { room: room.name, gap });
    this.#takeEntries(room, entries, isFirst || reset);
    room.seq = Math.max(room.seq, seq ?? 0);
    this.emit('subscribed', { room: room.name, title, members, people, isFirst });
  }

  #takeEntries(room, entries, isFirst) {
    const fresh = entries.filter(({ seq }) => room && seq > room.seq);
    if (fresh.length === 0) return;
    room.seq = fresh.at(-1).seq;
    this.emit('entries', { room: room.name, entries: fresh, isFirst });
  }

  // Subscriptions carry the room's name as their `id`, so that an error can be laid at its door.
  #takeRefusal(refusal) {
    const { id, code, reason, retry_after: seconds } = refusal;
    const room = this.#rooms.get(roomKey(String(id)));
    if (!room) this.emit('other', refusal);
    else if (PASSING.has(code) && typeof seconds === 'number') this.emit('postponed', { room, seconds });
    else this.lose(room.name, { code, reason });
  }
}

// Of a room that was left and is asked for again the old end may come late: before the answer to the new question.
function isOver(room) {
  return Boolean(room) && room.seq !== null;
}
