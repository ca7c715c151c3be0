import { byId, el, setAttribute } from './dom.js';
import { Emitter } from './emitter.js';
import { tint } from './names.js';
import { showSign } from './sign.js';

/**
 * Who is in the shown room: a list at the side, in a drawer where the page is narrow. Emits `profile` (the user whose
 * name is pressed).
 */
export class PeoplePanel extends Emitter {
  #panel = byId('people-panel');
  #list = byId('people');
  #rest = byId('people-rest');
  #count = byId('people-count');
  #toggle = byId('people-toggle');
  #people = new Map();
  #profiles;

  // As in people.css: from this width on the list stands beside the log.
  #isWide = matchMedia('(width > 64rem)');

  constructor(profiles) {
    super();
    this.#profiles = profiles;
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
    this.#showPeople(room.members, me);
    const unnamed = room.people - room.members.length;
    this.#rest.hidden = unnamed <= 0;
    this.#rest.textContent = `and ${unnamed} more`;
  }

  // Whoever stays keeps their place in the page, and with it the keyboard's focus.
  #showPeople(members, me) {
    const people = new Map(members.map((member) => [member.id, this.#people.get(member.id) ?? this.#newPerson(member)]));
    for (const [id, { element }] of this.#people) if (!people.has(id)) element.remove();
    this.#people = people;
    members.forEach((member, index) => {
      const person = people.get(member.id);
      const there = this.#list.children[index];
      if (there !== person.element) this.#list.insertBefore(person.element, there ?? null);
      person.update(member, this.#profiles.of(member), member.id === me.id);
    });
  }

  #newPerson({ id }) {
    const person = new Person();
    person.button.addEventListener('click', () => this.emit('profile', { id, name: person.name }));
    return person;
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

class Person {
  #sign = el('span', { class: 'sign', 'aria-hidden': 'true' });
  #label = el('span', { class: 'person-name', dir: 'auto' });
  #you = el('span', { class: 'you' }, 'you');
  button = el('button', { type: 'button', class: 'person' }, this.#sign, this.#label);
  element = el('li', {}, this.button);

  get name() {
    return this.#label.textContent;
  }

  update({ name }, profile, isMe) {
    setAttribute(this.element, 'class', tint(name, profile?.colour));
    setAttribute(this.button, 'title', profile?.status || null);
    showSign(this.#sign, name, profile);
    this.#label.textContent = name;
    if (isMe) this.button.append(this.#you);
    else this.#you.remove();
  }
}
