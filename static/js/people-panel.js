import { byId, el } from './dom.js';
import { initial, tint } from './names.js';

/** Who is in the shown room: a list at the side, in a drawer where the page is narrow. */
export class PeoplePanel {
  #panel = byId('people-panel');
  #list = byId('people');
  #rest = byId('people-rest');
  #count = byId('people-count');
  #toggle = byId('people-toggle');

  // As in people.css: from this width on the list stands beside the log.
  #isWide = matchMedia('(width > 64rem)');

  constructor() {
    this.#open(this.#isWide.matches);
    this.#isWide.addEventListener('change', () => this.#open(this.#isWide.matches));
    this.#toggle.addEventListener('click', () => this.#turn(!this.#panel.classList.contains('open')));
    document.addEventListener('click', (event) => this.#clickOutside(event.target));
    byId('people-close').addEventListener('click', () => this.#turn(false));
    this.#panel.addEventListener('keydown', (event) => event.key === 'Escape' && this.#turn(false));
  }

  /** Shows who is in `room`; `me` is marked as such. */
  update(room, me) {
    this.#count.textContent = room.people;
    this.#toggle.title = `${room.people} here`;
    this.#list.replaceChildren(...room.members.map((member) => person(member, member.id === me.id)));
    const unnamed = room.people - room.members.length;
    this.#rest.hidden = unnamed <= 0;
    this.#rest.textContent = `and ${unnamed} more`;
  }

  #open(isOpen) {
    this.#panel.classList.toggle('open', isOpen);
    this.#toggle.setAttribute('aria-expanded', String(isOpen));
  }

  #clickOutside(target) {
    const isInside = this.#panel.contains(target) || this.#toggle.contains(target);
    if (!isInside && !this.#isWide.matches) this.#open(false);
  }

  // The focus follows into the drawer and out of it, but need not where the list stands beside the log.
  #turn(isOpen) {
    this.#open(isOpen);
    if (!this.#isWide.matches) (isOpen ? byId('people-close') : this.#toggle).focus();
  }
}

function person({ name }, isMe) {
  const sign = el('span', { class: 'sign', 'aria-hidden': 'true' }, initial(name));
  const label = el('span', { class: 'person-name', dir: 'auto' }, name);
  return el('li', { class: tint(name) }, sign, label, ...(isMe ? [el('span', { class: 'you' }, 'you')] : []));
}
