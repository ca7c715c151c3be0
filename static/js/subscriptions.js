import { Emitter } from './emitter.js';
import { roomKey } from './room-name.js';

/** The refusals after which waiting helps, and how long where the server does not say it, in seconds. */
const PASSING = new Set(['rate_limited', 'unavailable']);
const PAUSE = 1;

/** What a room is lost for that ends without a word. */
const OVER = { code: 'not_found', reason: 'This room is over.' };

const ENTRY_TYPES = new Set(['message', 'edit', 'delete', 'reaction']);

/** How many messages a newcomer is shown. */
export const HISTORY = 50;

/**
 * The rooms that a connection carries and how far each has been read: objects `{name, seq, epoch, history, without, isAnswered}`,
 * with `seq` and `epoch` null where the server has not answered yet and no cursor was given; without one the last
 * `history` messages come first. It takes the server's messages and emits what is new in them, as Connection says; a
 * transport that repeats an entry is not heard twice.
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

  /** Adds a room, from a cursor `{epoch, seq}` or its latest messages on; returns it, or null where it was here already. */
  add(name, { history = HISTORY, cursor = null } = {}) {
    if (this.#rooms.has(roomKey(name))) return null;
    const [seq, epoch] = [cursor?.seq ?? null, cursor?.epoch ?? null];
    const room = { name, history, seq, epoch, without: this.#without, isAnswered: false };
    this.#rooms.set(roomKey(name), room);
    return room;
  }

  /** Removes a room; returns it, or undefined where it was not here. */
  remove(name) {
    const room = this.#rooms.get(roomKey(name));
    this.#rooms.delete(roomKey(name));
    return room;
  }

  /** Whether a room is still here, and has not been added anew. */
  has(room) {
    return this.#rooms.get(roomKey(room.name)) === room;
  }

  /** Takes a message of the server. */
  take(message) {
    const room = this.#rooms.get(roomKey(message.room ?? ''));
    if (ENTRY_TYPES.has(message.type)) this.#takeEntries(room, [message], false);
    else if (message.type === 'subscribed') this.#takeSubscribed(room, message);
    else if (message.type === 'error' && message.id) this.#takeRefusal(message);
    else if (message.type === 'error' && room && !message.key) this.lose(room.name, message);
    // Of a room that was left and is asked for again the old end may come late: before the answer to the new question.
    else if (message.type === 'unsubscribed' && !message.id && room?.isAnswered) this.lose(room.name, OVER);
    else this.emit('other', message);
  }

  /** Takes note that a room is lost, for the reason `{code, reason}`. */
  lose(name, { code, reason }) {
    if (this.remove(name)) this.emit('refused', { room: name, code, reason });
  }

  #takeSubscribed(room, { title, members, people, epoch, seq, entries, gap, reset }) {
    if (!room) return;
    const isFirst = room.seq === null;
    if (reset) this.emit('reset', { room: room.name, epoch });
    if (reset || isFirst) room.seq = 0;
    room.epoch = epoch;
    room.isAnswered = true;
    if (gap) {
      this.emit('gap', { room: room.name, gap });
      room.seq = Math.max(room.seq, gap[1]);
    }
    this.#takeEntries(room, entries, isFirst || reset);
    room.seq = Math.max(room.seq, seq ?? 0);
    this.emit('subscribed', { room: room.name, title, members, people, epoch, seq: room.seq, isFirst });
  }

  #takeEntries(room, entries, isFirst) {
    const fresh = entries.filter(({ type, seq }) => room && seq > room.seq && ENTRY_TYPES.has(type));
    if (fresh.length === 0) return;
    room.seq = fresh.at(-1).seq;
    this.emit('entries', { room: room.name, entries: fresh, isFirst });
  }

  // Subscriptions carry the room's name as their `id`, so that an error can be laid at its door.
  #takeRefusal(refusal) {
    const { id, code, reason, retry_after: seconds } = refusal;
    const room = this.#rooms.get(roomKey(String(id)));
    if (!room) this.emit('other', refusal);
    else if (PASSING.has(code)) this.emit('postponed', { room, seconds: seconds ?? PAUSE });
    else this.lose(room.name, { code, reason });
  }
}
