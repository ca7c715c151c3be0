import { call } from './api.js';
import { byId, el } from './dom.js';
import { roomPath } from './room-name.js';
import { mark, row, RowList } from './row-list.js';
import { SearchBox } from './search-box.js';

const COUNT = new Intl.NumberFormat();

/** All rooms, those too that are not open, with the way to their settings. */
export class AdminRooms {
  #list = new RowList(byId('rooms'), roomRow, { empty: byId('no-rooms') });
  #search = new SearchBox(byId('find-rooms'), () => this.start());

  async start() {
    const find = this.#search.text;
    const { rooms } = await call('GET', '/api/admin/rooms', { query: find ? { find } : {} });
    if (find === this.#search.text) this.#list.update(rooms.map((room) => ({ ...room, id: room.name })));
  }

  stop() {}
}

function roomRow({ name, title, access, people, entries }) {
  const isDirect = access === 'direct';
  return row({
    title: isDirect ? title : el('a', { href: roomPath(name) }, title),
    marks: [access !== 'open' && mark(access)],
    facts: [
      [
        title !== name && name,
        people === 1 ? '1 here' : `${people} here`,
        entries !== undefined && (entries === 1 ? '1 entry' : `${COUNT.format(entries)} entries`),
      ]
        .filter(Boolean)
        .join(' · '),
    ],
    actions: [
      !isDirect && el('a', { class: 'small-button', href: `${roomPath(name)}/settings`, 'aria-label': `Settings: ${title}` }, 'Settings'),
    ],
  });
}
