import { Emitter } from './emitter.js';
import { OpenRoom } from './open-room.js';
import { boardFromPath, roomKey, roomPath } from './room-name.js';

const STORE = 'parley.board-draft';

/** In the place of OpenRooms: the one room whose board this is. Its draft outlives a reload. Emits `opened`, `shown`. */
export class BoardRoom extends Emitter {
  #room;

  constructor() {
    super();
    const { room, draft } = JSON.parse(sessionStorage.getItem(STORE) ?? '{}');
    const name = boardFromPath(location.pathname);
    this.#room = new OpenRoom(name, room === name ? draft : '');
  }

  get all() {
    return [this.#room];
  }

  get shown() {
    return this.#room;
  }

  get(name) {
    return this.#room.key === roomKey(name) ? this.#room : undefined;
  }

  start() {
    this.emit('opened', this.#room);
    this.emit('shown', this.#room);
  }

  /** Other rooms have a page of their own. */
  show(name) {
    location.assign(roomPath(name));
  }

  store() {
    sessionStorage.setItem(STORE, JSON.stringify({ room: this.#room.name, draft: this.#room.draft }));
  }
}
