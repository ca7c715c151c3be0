import { Emitter } from './emitter.js';
import { OpenRoom } from './open-room.js';
import { roomKey, roomPath } from './room-name.js';

/** Conversations that stay open beside the one that is shown, the last seen ones; a connection carries a hundred. */
const KEPT = 20;

/**
 * In the place of OpenRooms: the rooms of the conversations that were looked at last. `waiting` is how many visitors
 * wait for an answer, for the page's title. Emits `opened`, `shown` and `closed` (the room).
 */
export class DeskRooms extends Emitter {
  #rooms = new Map();
  #shown = null;

  waiting = 0;

  get all() {
    return [...this.#rooms.values(), { unread: this.waiting }];
  }

  get shown() {
    return this.#shown;
  }

  get(name) {
    return this.#rooms.get(roomKey(name));
  }

  /** Shows the room of a conversation, by its visitor's name. */
  open({ id, visitor }) {
    const known = this.get(id);
    const room = known ?? new OpenRoom(id);
    this.#rooms.delete(room.key);
    this.#rooms.set(room.key, room);
    room.title = visitor.name;
    this.#shown = room;
    if (!known) this.emit('opened', room);
    this.emit('shown', room);
    const [oldest] = this.#rooms.values();
    if (this.#rooms.size > KEPT) this.close(oldest);
    return room;
  }

  close(room) {
    this.#rooms.delete(room.key);
    if (this.#shown === room) this.#shown = null;
    this.emit('closed', room);
  }

  /** Other rooms have a page of their own. */
  show(name) {
    location.assign(roomPath(name));
  }

  store() {}
}
