import { Emitter } from './emitter.js';
import { OpenRoom } from './open-room.js';
import { roomFromPath, roomKey, roomPath } from './room-name.js';

const STORE = 'parley.rooms';

/**
 * The rooms that are open in this page and which of them is shown. The address follows the shown one, and
 * the set outlives a reload. Emits `opened`, `closed`, `shown` (the room) and `emptied` (the last was closed).
 */
export class OpenRooms extends Emitter {
  #rooms = new Map();
  #shown = null;

  get all() {
    return [...this.#rooms.values()];
  }

  /** The room that is shown. */
  get shown() {
    return this.#shown;
  }

  /** The open room of this name, in whatever spelling; undefined where there is none. */
  get(name) {
    return this.#rooms.get(roomKey(name));
  }

  /** Opens the rooms of the last visit and shows the one in the page's address; follows Back and Forward from then on. */
  start() {
    for (const { name, draft } of stored()) this.#add(new OpenRoom(name, draft));
    this.show(roomFromPath(location.pathname), { address: 'keep' });
    addEventListener('popstate', () => this.show(roomFromPath(location.pathname), { address: 'keep' }));
  }

  /** Shows a room, opening it where it is not; `address` says whether the page's address follows: "push" or "keep". */
  show(name, { address = 'push' } = {}) {
    const room = this.get(name) ?? this.#add(new OpenRoom(name));
    if (room === this.#shown) return;
    this.#shown = room;
    if (address === 'push') history.pushState(null, '', roomPath(room.name) + location.search);
    this.emit('shown', room);
  }

  /** Closes a room and shows the one beside it. */
  close(room) {
    const index = this.all.indexOf(room);
    this.#rooms.delete(room.key);
    this.store();
    this.emit('closed', room);
    const next = this.all[index] ?? this.all[index - 1];
    if (!next) this.emit('emptied');
    else if (room === this.#shown) this.show(next.name);
  }

  /** Keeps the open rooms and their drafts over a reload. */
  store() {
    sessionStorage.setItem(STORE, JSON.stringify(this.all.map(({ name, draft }) => ({ name, draft }))));
  }

  #add(room) {
    this.#rooms.set(room.key, room);
    this.store();
    this.emit('opened', room);
    return room;
  }
}

function stored() {
  return JSON.parse(sessionStorage.getItem(STORE) ?? '[]');
}
