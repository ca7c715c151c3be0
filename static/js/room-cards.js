import { byId, el, setAttribute } from './dom.js';
import { roomPath } from './room-name.js';
import { ago, fullDate } from './when.js';

/** So many rooms need a box to find one by name. */
const MANY = 8;

/** How often "3 min ago" is brought up to date, in milliseconds. */
const REFRESH = 30_000;

/** The rooms in the lobby, as a list of links. */
export class RoomCards {
  #list = byId('rooms');
  #filter = byId('filter');
  #filterField = byId('filter-field');
  #empty = byId('no-rooms');
  #cards = new Map();
  #rooms = [];

  constructor() {
    this.#filter.addEventListener('input', () => this.#show());
    setInterval(() => this.#show(), REFRESH);
  }

  /** Shows these rooms, in the order given. */
  update(rooms) {
    this.#rooms = rooms;
    this.#show();
  }

  // Cards stay the same elements over all updates, so that the keyboard's focus stays where it is.
  #show() {
    const wanted = this.#filter.value.trim().toLowerCase();
    const fitting = this.#rooms.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted));
    this.#filterField.hidden = this.#rooms.length < MANY;
    this.#empty.hidden = fitting.length > 0;
    this.#empty.textContent = wanted ? 'No room has that in its name.' : 'No rooms yet. Open the first one.';
    const cards = new Map(fitting.map((room) => [room.name, this.#cards.get(room.name) ?? new Card(room.name)]));
    for (const [name, { element }] of this.#cards) if (!cards.has(name)) element.remove();
    this.#cards = cards;
    fitting.forEach((room, index) => this.#placeCard(cards.get(room.name), room, index));
  }

  #placeCard(card, room, index) {
    card.update(room);
    const there = this.#list.children[index];
    if (there !== card.element) this.#list.insertBefore(card.element, there ?? null);
  }
}

class Card {
  #title = el('span', { class: 'card-title', dir: 'auto' });
  #name = el('span', { class: 'card-name', dir: 'auto' });
  #people = el('span', { class: 'card-people' });
  #active = el('span', { class: 'card-active' });

  constructor(name) {
    const facts = el('span', { class: 'card-facts' }, this.#people, this.#active);
    this.element = el('li', {}, el('a', { class: 'card', href: roomPath(name) }, this.#title, this.#name, facts));
  }

  update({ name, title, people, active }) {
    this.#title.textContent = title;
    this.#name.textContent = title === name ? '' : name;
    this.#people.textContent = people === 0 ? 'nobody here' : `${people} here`;
    setAttribute(this.#people, 'data-people', people > 0 ? 'some' : 'none');
    this.#active.textContent = active ? ago(active) : 'no messages yet';
    setAttribute(this.#active, 'title', active ? fullDate(active) : null);
  }
}
