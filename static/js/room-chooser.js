import { call } from './api.js';
import { byId, el } from './dom.js';
import { Emitter } from './emitter.js';
import { roomPath } from './room-name.js';

/** The dialog that opens another room: by its name, or one of those there are. Emits `chosen` (the name). */
export class RoomChooser extends Emitter {
  #dialog = byId('room-chooser');
  #input = byId('room-chooser-name');
  #list = byId('room-chooser-list');
  #rooms = [];

  constructor() {
    super();
    byId('open-room').addEventListener('click', () => this.#open());
    byId('room-chooser-form').addEventListener('submit', (event) => this.#submit(event));
    byId('room-chooser-cancel').addEventListener('click', () => this.#dialog.close());
    this.#input.addEventListener('input', () => this.#show());
    this.#list.addEventListener('click', (event) => this.#click(event));
  }

  async #open() {
    this.#input.value = '';
    this.#rooms = [];
    this.#show();
    this.#dialog.showModal();
    // Without the list the name alone will do.
    this.#rooms = await call('GET', '/api/rooms').then(({ rooms }) => rooms, () => []);
    this.#show();
  }

  #show() {
    const wanted = this.#input.value.trim().toLowerCase();
    const fitting = this.#rooms.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted));
    this.#list.replaceChildren(...fitting.map(choice));
  }

  #submit(event) {
    event.preventDefault();
    this.#choose(this.#input.value.trim());
  }

  #click(event) {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#choose(link.dataset.name);
  }

  #choose(name) {
    if (name === '') return;
    this.#dialog.close();
    this.emit('chosen', name);
  }
}

function choice({ name, title, people }) {
  const count = el('span', { class: 'choice-people' }, people === 1 ? '1 here' : `${people} here`);
  const label = el('span', { class: 'choice-title', dir: 'auto' }, title);
  return el('li', {}, el('a', { href: roomPath(name), 'data-name': name }, label, count));
}
