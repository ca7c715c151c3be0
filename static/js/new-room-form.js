import { call } from './api.js';
import { byId, el } from './dom.js';
import { nameFromTitle, roomPath } from './room-name.js';

/** The form for a new room, and the button for one that names itself. Both lead into the room. */
export class NewRoomForm {
  #session;
  #form = byId('new-room');
  #title = byId('new-room-title');
  #name = byId('new-room-name');
  #reason = byId('new-room-reason');

  constructor(session) {
    this.#session = session;
    this.#title.addEventListener('input', () => this.#suggest());
    this.#form.addEventListener('submit', (event) => this.#submit(event));
    byId('random-room').addEventListener('click', () => this.#open({}));
  }

  #suggest() {
    this.#name.placeholder = nameFromTitle(this.#title.value);
  }

  #submit(event) {
    event.preventDefault();
    const title = this.#title.value.trim();
    const name = this.#name.value.trim() || nameFromTitle(title);
    this.#open({ ...(name && { name }), ...(title && { title }) });
  }

  async #open(room) {
    this.#reason.replaceChildren();
    try {
      const { name } = await this.#made(room);
      location.assign(roomPath(name));
    } catch (error) {
      this.#reason.replaceChildren(error.reason ?? String(error));
      if (error.code === 'name_taken') this.#reason.append(' ', el('a', { href: roomPath(room.name) }, 'Go to that room'));
    }
  }

  async #made(room) {
    if (!this.#session.user) await this.#session.require();
    return call('POST', '/api/rooms', { body: room });
  }
}
