import { call } from './api.js';
import { Emitter } from './emitter.js';
import { roomApi } from './room-name.js';
import { clock, isSameDay, moment } from './when.js';

/** Those who come back after a break ask at a random moment within this time, in milliseconds: they are many at once. */
const SPREAD = 5_000;

/** How often it is looked whether one may write again, in milliseconds. */
const LOOK_AGAIN = 10_000;

/**
 * What one may do in the rooms that are open, kept as `rules` of each: the answer of `GET /api/rooms/<room>`.
 * Emits `changed` (the room).
 */
export class RoomRules extends Emitter {
  #rooms;
  #session;

  constructor({ connection, rooms, session }) {
    super();
    this.#rooms = rooms;
    this.#session = session;
    connection.on('subscribed', ({ room, isFirst }) => {
      this.#askSoon(rooms.get(room), isFirst ? 0 : Math.random() * SPREAD);
    });
    connection.on('room', ({ room, type, ...changes }) => this.#change(rooms.get(room), changes));
    document.addEventListener('visibilitychange', () => this.#lookAgain());
    setInterval(() => this.#lookAgain(), LOOK_AGAIN);
  }

  /** Asks for the rules of a room, which may have changed. */
  async ask(room) {
    // Where there is no answer the rules stay as they were: whatever is not allowed is refused anyway.
    const rules = await call('GET', roomApi(room.name)).catch(() => room.rules);
    if (JSON.stringify(rules) === JSON.stringify(room.rules)) return;
    room.rules = rules;
    this.emit('changed', room);
  }

  /** Why one cannot write in a room at the moment, as a sentence; "" where one can. */
  whyNot({ rules }) {
    if (!rules || rules.rights.moderate) return '';
    if (isMuted(rules)) return `You are muted in this room${until(rules.muted)}.`;
    if (rules.read_only) return 'This room is for reading: only its moderators write.';
    if (!rules.rights.write) return this.#mayOnlyRead();
    return rules.locked ? 'The room is locked: only its moderators write at the moment.' : '';
  }

  // Those in a room are told of its new rules, but not what they make of one's own rights.
  #change(room, changes) {
    if (!room) return;
    room.title = changes.title ?? room.title;
    if (room.rules) {
      const { rights, read_only: wasForReading } = room.rules;
      const mayWrite = wasForReading ? !changes.read_only : rights.write;
      room.rules = { ...room.rules, ...changes, rights: { ...rights, write: mayWrite } };
    }
    this.emit('changed', room);
    this.#askSoon(room, Math.random() * SPREAD);
  }

  #mayOnlyRead() {
    return this.#session.user.guest ? 'Guests may only read here: sign in to write.' : 'You may only read here.';
  }

  #askSoon(room, wait) {
    if (!room) return;
    setTimeout(() => this.#rooms.get(room.name) === room && this.ask(room), wait);
  }

  #lookAgain() {
    const room = this.#rooms.shown;
    if (!document.hidden && room && this.whyNot(room)) this.ask(room);
  }
}

function isMuted({ muted }) {
  return typeof muted === 'number' && (muted === 0 || muted > Date.now());
}

function until(time) {
  if (time === 0) return '';
  return ` until ${isSameDay(time, Date.now()) ? clock(time) : moment(time)}`;
}
