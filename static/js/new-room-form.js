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
    this.#form.addEventListener('change', () => this.#suggest());
    this.#form.addEventListener('submit', (event) => this.#submit(event));
    byId('random-room').addEventListener('click', () => this.#open({}));
  }

  #suggest() {
    const isOpen = this.#form.elements.access.value === 'open';
    this.#name.placeholder = isOpen ? nameFromTitle(this.#title.value) : 'one that nobody can guess';
  }

  #submit(event) {
    event.preventDefault();
    const title = this.#title.value.trim();
    const { access, lifetime, read_only: isForReading } = this.#form.elements;
    const isOpen = access.value === 'open';
    // A room that is not open has a name nobody can guess, unless its maker gives it another.
    const name = this.#name.value.trim() || (isOpen ? nameFromTitle(title) : '');
    this.#open({
      ...(name && { name }),
      ...(title && { title }),
      ...(!isOpen && { access: access.value }),
      ...(lifetime.value !== 'kept' && { lifetime: lifetimeOf(lifetime.value) }),
      ...(isForReading.checked && { read_only: true }),
    });
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

// The server takes days as a number.
function lifetimeOf(value) {
  return value === 'ephemeral' ? value : Number(value);
}
