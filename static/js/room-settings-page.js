import { AccountMenu } from './account-menu.js';
import { call } from './api.js';
import { byId } from './dom.js';
import { InvitationList } from './invitation-list.js';
import { MemberList } from './member-list.js';
import { tell } from './notice.js';
import { RoomForms } from './room-forms.js';
import { roomApi } from './room-name.js';
import { SanctionList } from './sanction-list.js';
import { Session } from './session.js';
import { staffForm } from './staff-form.js';
import { whenReachable } from './when-reachable.js';

const ACCESS = { open: 'An open room', private: 'A private room', link: 'A room by invitation', direct: 'A private talk' };

const session = new Session();
const menu = new AccountMenu(session);
await whenReachable(() => session.look());
menu.update();

const room = byId('main').closest('body').dataset.room;
const forms = new RoomForms(room, session.user?.id ?? '', () => show().catch(tell));
const members = new MemberList(room, session);
const invitations = new InvitationList(room);
const sanctions = new SanctionList(room);
staffForm(byId('staff-form'), `${roomApi(room)}/staff`);
await show().catch((error) => (byId('trouble').textContent = error.reason ?? String(error)));

async function show() {
  const rules = await whenReachable(() => call('GET', roomApi(room)));
  const { role, rights, access } = rules;
  byId('room-title').textContent = rules.title;
  byId('room-facts').textContent = facts(rules);
  forms.update(rules);
  byId('staff-panel').hidden = !rights.moderate;
  const isInside = Boolean(role) || rights.own || rights.moderate;
  const parts = [
    ['members-panel', members, isInside],
    ['invitations-panel', invitations, mayInvite(rules)],
    ['sanctions-panel', sanctions, access !== 'direct' && rights.moderate],
  ];
  for (const [panel, list, isWanted] of parts) {
    byId(panel).hidden = !isWanted;
    if (isWanted) await list.load(rules);
  }
}

// Nobody needs to be invited into an open room, and nobody can be into a private talk.
function mayInvite({ access, role, rights }) {
  return access === 'link' ? rights.moderate || Boolean(role) : access === 'private' && rights.moderate;
}

function facts({ access, role, rights, members_count: count }) {
  const mine = role ? `you are its ${role}`.replace('its member', 'a member') : rights.own && 'you look after it';
  const members = count ? `${count} ${count === 1 ? 'member' : 'members'}` : '';
  return [ACCESS[access], members, mine].filter(Boolean).join(' · ');
}
