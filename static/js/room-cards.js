import { byId, el, setAttribute } from './dom.js';
import { roomPath } from './room-name.js';
import { mark } from './row-list.js';
import { ago, fullDate } from './when.js';

/** So many rooms need a box to find one by name. */
const MANY = 8;

/** How often "3 min ago" is brought up to date, in milliseconds. */
const REFRESH = 30_000;

/** What is said of a room that is not for everybody. */
const ACCESS = { private: 'private', link: 'by invitation' };

/** The rooms in the lobby, as a list of links, and the private talks in another. */
export class RoomCards {
  #list = new CardList(byId('rooms'));
  #direct = new CardList(byId('direct'));
  #filter = byId('filter');
  #filterField = byId('filter-field');
  #empty = byId('no-rooms');
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

  #show() {
    const wanted = this.#filter.value.trim().toLowerCase();
    const fitting = this.#rooms.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(wanted));
    this.#filterField.hidden = this.#rooms.length < MANY;
    const isDirect = ({ access }) => access === 'direct';
    const rooms = fitting.filter((room) => !isDirect(room));
    this.#empty.hidden = rooms.length > 0;
    this.#empty.textContent = wanted ? 'No room has that in its name.' : 'No rooms yet. Open the first one.';
    this.#list.update(rooms);
    this.#direct.update(fitting.filter(isDirect));
    byId('direct-section').hidden = !fitting.some(isDirect);
  }
}

class CardList {
  #list;
  #cards = new Map();

  constructor(list) {
    this.#list = list;
  }

  // Cards stay the same elements over all updates, so that the keyboard's focus stays where it is.
  update(rooms) {
    const cards = new Map(rooms.map((room) => [room.name, this.#cards.get(room.name) ?? new Card(room.name)]));
    for (const [name, { element }] of this.#cards) if (!cards.has(name)) element.remove();
    this.#cards = cards;
    rooms.forEach((room, index) => this.#place(cards.get(room.name), room, index));
  }

  #place(card, room, index) {
    card.update(room);
    const there = this.#list.children[index];
    if (there !== card.element) this.#list.insertBefore(card.element, there ?? null);
  }
}

class Card {
  #title = el('span', { class: 'card-title', dir: 'auto' });
  #marks = el('span', { class: 'card-marks' });
  #name = el('span', { class: 'card-name', dir: 'auto' });
  #people = el('span', { class: 'card-people' });
  #active = el('span', { class: 'card-active' });

  constructor(name) {
    const facts = el('span', { class: 'card-facts' }, this.#people, this.#active);
    const head = el('span', {}, this.#title, this.#marks);
    this.element = el('li', {}, el('a', { class: 'card', href: roomPath(name) }, head, this.#name, facts));
  }

  update({ name, title, people, active, access = 'open', role = null }) {
    const isSecret = access !== 'open';
    const marks = [ACCESS[access], role !== 'member' && access !== 'direct' && role].filter(Boolean);
    this.#title.textContent = title;
    // The name of a room that is not open is a long number that says nothing.
    this.#name.textContent = title === name || isSecret ? '' : name;
    if (this.#marks.textContent !== marks.join('')) this.#marks.replaceChildren(...marks.map((word) => mark(word)));
    this.#people.textContent = people === 0 ? 'nobody here' : `${people} here`;
    setAttribute(this.#people, 'data-people', people > 0 ? 'some' : 'none');
    this.#active.textContent = active ? ago(active) : 'no messages yet';
    setAttribute(this.#active, 'title', active ? fullDate(active) : null);
  }
}
