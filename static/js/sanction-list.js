import { call } from './api.js';
import { byId } from './dom.js';
import { tell } from './notice.js';
import { roomApi } from './room-name.js';
import { mark, row, rowButton, RowList } from './row-list.js';
import { moment } from './when.js';

/** Who is muted in a room or banned from it, with the buttons that lift it. */
export class SanctionList {
  #path;
  #list = new RowList(byId('sanctions'), (one) => this.#row(one), { empty: byId('no-sanctions') });

  constructor(room) {
    this.#path = `${roomApi(room)}/moderation`;
  }

  async load() {
    const { mutes, bans } = await call('GET', this.#path);
    const all = [...bans.map((one) => ({ ...one, kind: 'ban' })), ...mutes.map((one) => ({ ...one, kind: 'mute' }))];
    // One person can be both.
    this.#list.update(all.map(({ id, ...rest }) => ({ ...rest, who: id, id: `${rest.kind} ${id}` })));
  }

  #row({ who, name, until, kind }) {
    const lift = kind === 'ban' ? ['unban', 'Lift the ban'] : ['unmute', 'Unmute'];
    return row({
      title: name,
      marks: [kind === 'ban' ? mark('banned', 'grave') : mark('muted')],
      facts: [until ? `until ${moment(until)}` : 'without end'],
      actions: [rowButton(lift[1], name, () => this.#lift(lift[0], who))],
    });
  }

  async #lift(act, who) {
    try {
      await call('POST', this.#path, { body: { act, who } });
      await this.load();
    } catch (error) {
      tell(error);
    }
  }
}
