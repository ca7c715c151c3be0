import { call } from './api.js';
import { byId, el } from './dom.js';
import { PagedList } from './paged-list.js';
import { roomPath } from './room-name.js';
import { mark, row } from './row-list.js';
import { SearchBox } from './search-box.js';
import { staffForm } from './staff-form.js';
import { ago } from './when.js';

const COUNT = new Intl.NumberFormat();

/** All rooms but private talks, with the way to their settings. */
export class AdminRooms {
  #search = new SearchBox(byId('find-rooms'), () => this.start());
  #list = new PagedList({
    list: byId('rooms'),
    make: roomRow,
    empty: byId('no-rooms'),
    more: byId('more-rooms'),
    fetch: (last) => this.#fetch(last),
  });

  constructor() {
    staffForm(byId('staff-form'), '/api/admin/staff');
  }

  async start() {
    await this.#list.load();
  }

  stop() {}

  async #fetch(last) {
    const query = { ...(this.#search.text && { find: this.#search.text }), ...(last && { after: last.name }) };
    const { rooms, more } = await call('GET', '/api/admin/rooms', { query });
    return { items: rooms.map((room) => ({ ...room, id: room.name })), more };
  }
}

function roomRow({ name, title, access, locked, read_only: isForReading, members, people, entries, active }) {
  const facts = [
    title !== name && name,
    people === 1 ? '1 here' : `${people} here`,
    members > 0 && (members === 1 ? '1 member' : `${members} members`),
    entries === 1 ? '1 entry' : `${COUNT.format(entries)} entries`,
    active && `active ${ago(active)}`,
  ];
  const settings = { class: 'small-button', href: `${roomPath(name)}/settings`, 'aria-label': `Settings: ${title}` };
  return row({
    title: el('a', { href: roomPath(name) }, title),
    marks: [access !== 'open' && mark(access), locked && mark('locked'), isForReading && mark('for reading')],
    facts: [facts.filter(Boolean).join(' · ')],
    actions: [el('a', settings, 'Settings')],
  });
}
