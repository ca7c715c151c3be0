import { call } from './api.js';
import { byId } from './dom.js';
import { PagedList } from './paged-list.js';
import { row } from './row-list.js';
import { duration, fullDate } from './when.js';

/** The acts as one reads them after who did it; for those to a person the person's name follows. */
const ACTS = {
  role: 'gave a role to',
  remove_member: 'removed the member',
  settings: 'changed the settings',
  delete_room: 'deleted the room',
  make_webhook: 'made a webhook',
  pause_webhook: 'paused or resumed a webhook',
  remove_webhook: 'removed a webhook',
  make_integration: 'made an integration',
  revoke_integration: 'revoked an integration',
  remove: 'removed a message of',
  mute: 'muted',
  unmute: 'unmuted',
  kick: 'put out',
  ban: 'banned from the room',
  unban: 'lifted the ban of',
  account_ban: 'banned from the server',
  account_unban: 'lifted the ban of',
  account_sign_out: 'signed out',
  account_make_admin: 'made an administrator of',
  account_unmake_admin: 'made no administrator any more of',
  account_delete: 'deleted the account of',
  address_ban: 'banned an address',
  address_unban: 'lifted the ban of an address',
  close_report: 'closed a report about',
  staff: 'said something as the staff',
  desk: 'made or changed a support desk',
  delete_desk: 'deleted a support desk',
  delete_conversation: 'deleted the conversation of',
};

/** What moderators and administrators have done. It is only ever added to, so it is only read here. */
export class AdminAudit {
  #list = new PagedList({
    list: byId('audit'),
    make: entryRow,
    empty: byId('no-audit'),
    more: byId('more-audit'),
    fetch: (last) => this.#fetch(last),
  });

  async start() {
    await this.#list.load();
  }

  stop() {}

  async #fetch(last) {
    const { entries, more } = await call('GET', '/api/admin/audit', { query: last ? { before: last.id } : {} });
    return { items: entries, more };
  }
}

function entryRow({ at, by, act, room, target, details = {} }) {
  const done = ACTS[act] ?? act.replaceAll('_', ' ');
  const circumstances = [room && `in ${room}`, ...Object.entries(details).map(inWords)];
  return row({
    title: [by.name, done, target?.name].filter(Boolean).join(' '),
    facts: [circumstances.filter(Boolean).join(' · '), fullDate(at)],
  });
}

function inWords([name, value]) {
  const words = name.replaceAll('_', ' ');
  if (name === 'seconds') return value ? `for ${duration(value)}` : 'without end';
  if (typeof value === 'boolean') return value ? words : `not ${words}`;
  return `${words}: ${value}`;
}
