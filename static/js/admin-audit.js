import { call } from './api.js';
import { byId } from './dom.js';
import { tell } from './notice.js';
import { row, RowList } from './row-list.js';
import { fullDate } from './when.js';

const PAGE = 50;

/** What moderators and administrators have done. It is only ever added to, so it is only read here. */
export class AdminAudit {
  #entries = [];
  #more = byId('more-audit');
  #list = new RowList(byId('audit'), entryRow, { empty: byId('no-audit') });

  constructor() {
    this.#more.addEventListener('click', () =>
      this.#load(this.#entries.at(-1).id).catch(tell),
    );
  }

  async start() {
    await this.#load(null);
  }

  stop() {}

  async #load(before) {
    const { entries, more } = await call('GET', '/api/admin/audit', { query: { limit: PAGE, ...(before && { before }) } });
    this.#entries = before ? [...this.#entries, ...entries] : entries;
    this.#more.hidden = !more;
    this.#list.update(this.#entries);
  }
}

function entryRow({ at, by, act, room, target, details }) {
  const whom = target?.name ? ` ${target.name}` : '';
  return row({
    title: `${by.name}: ${act.replaceAll('_', ' ').replaceAll('.', ' ')}${whom}`,
    facts: [[room && `in ${room}`, ...Object.entries(details ?? {}).map(inWords)].filter(Boolean).join(' · '), fullDate(at)],
  });
}

function inWords([name, value]) {
  if (name === 'until' && typeof value === 'number') return value ? `until ${fullDate(value)}` : 'without end';
  if (value === true) return name.replaceAll('_', ' ');
  return `${name.replaceAll('_', ' ')}: ${value}`;
}
