import { Emitter } from './emitter.js';
import { OpenRoom } from './open-room.js';
import { roomKey, roomPath } from './room-name.js';

const STORE = 'parley.pair';

/** The room of a pair, which is called as the partner is. */
class PairRoom extends OpenRoom {
  #partner;

  constructor(name, partner, draft) {
    super(name, draft);
    this.#partner = partner;
  }

  get title() {
    return this.#partner?.name ?? this.name;
  }

  // The server names both of the two.
  set title(title) {}
}

/**
 * In the place of OpenRooms: one room at most, that of the present pair, or of the last one. Its draft outlives a reload.
 * Emits `opened`, `shown` and `closed` (the room).
 */
export class PairRooms extends Emitter {
  #shown = null;

  get all() {
    return this.#shown ? [this.#shown] : [];
  }

  get shown() {
    return this.#shown;
  }

  get(name) {
    return this.#shown?.key === roomKey(name) ? this.#shown : undefined;
  }

  /** Opens the room of a new pair. */
  open(name, partner) {
    const { room, draft } = JSON.parse(sessionStorage.getItem(STORE) ?? '{}');
    this.#shown = new PairRoom(name, partner, room === name ? draft : '');
    this.emit('opened', this.#shown);
    this.emit('shown', this.#shown);
  }

  /** Leaves the room of a pair that is over; what was said stays to be read. */
  end(name) {
    const room = this.get(name);
    if (room) this.emit('closed', room);
  }

  /** Other rooms have a page of their own. */
  show(name) {
    location.assign(roomPath(name));
  }

  store() {
    const { name, draft } = this.#shown;
    sessionStorage.setItem(STORE, JSON.stringify({ room: name, draft }));
  }
}
