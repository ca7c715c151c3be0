import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId, el } from './dom.js';
import { notice, tell } from './notice.js';
import { roomApi } from './room-name.js';
import { mark, row, rowButton, RowList } from './row-list.js';

const ROLES = { owner: 'Owner', moderator: 'Moderator', member: 'Member' };

/** The members of a room; owners say who is what, moderators who is in. */
export class MemberList {
  #path;
  #session;
  #rights = {};
  #list = new RowList(byId('members'), (member) => this.#row(member), { empty: byId('no-members') });

  constructor(room, session) {
    this.#path = `${roomApi(room)}/members`;
    this.#session = session;
    const form = new ActionForm(byId('new-member'), ({ who, role }) => this.#put(who, role), {
      done: 'Added.',
      then: () => form.fill({ who: '', role: 'member' }),
    });
  }

  /** Fetches and shows them; `rights`: what one may do in the room. */
  async load({ rights, access } = { rights: this.#rights }) {
    this.#rights = rights;
    if (access) byId('new-member').hidden = access === 'direct' || !rights.moderate;
    byId('new-member').elements.role.closest('.field').hidden = !rights.own;
    const { members } = await call('GET', this.#path);
    const order = Object.keys(ROLES);
    const rank = ({ role }) => order.indexOf(role);
    members.sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
    this.#list.update(members.map((member) => ({ ...member, rights })));
  }

  #row({ id, name, role, rights }) {
    const isMe = id === this.#session.user?.id;
    const canRemove = !isMe && (rights.own || (rights.moderate && role === 'member'));
    return row({
      title: name,
      marks: [isMe && mark('you', 'strong'), !rights.own && role !== 'member' && mark(ROLES[role].toLowerCase())],
      actions: [
        rights.own && this.#roleChoice(id, name, role),
        canRemove && rowButton('Remove', name, () => this.#remove(id, name), { isGrave: true }),
      ],
    });
  }

  #roleChoice(id, name, role) {
    const options = Object.entries(ROLES).map(([value, label]) => el('option', { value, selected: value === role }, label));
    const choice = el('select', { 'aria-label': `Role of ${name}` }, ...options);
    choice.addEventListener('change', async () => {
      try {
        await this.#put(id, choice.value);
        notice(`${name} is now ${choice.value === 'owner' ? 'an' : 'a'} ${choice.value}.`);
      } catch (error) {
        choice.value = role;
        tell(error);
      }
    });
    return choice;
  }

  async #put(who, role) {
    await call('PUT', `${this.#path}/${encodeURIComponent(who)}`, { body: { role } });
    await this.load();
  }

  async #remove(id, name) {
    const isDone = await confirm({
      question: `Remove ${name} from the room?`,
      consequence: 'They are a member no longer, and out of the room at once if it is not open to all.',
      action: 'Remove',
      act: () => call('DELETE', `${this.#path}/${encodeURIComponent(id)}`),
    });
    if (isDone) await this.load();
  }
}
