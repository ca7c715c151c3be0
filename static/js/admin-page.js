import { AccountMenu } from './account-menu.js';
import { AdminAddresses } from './admin-addresses.js';
import { AdminAudit } from './admin-audit.js';
import { AdminDesks } from './admin-desks.js';
import { AdminFigures } from './admin-figures.js';
import { AdminPeople } from './admin-people.js';
import { AdminReports } from './admin-reports.js';
import { AdminRooms } from './admin-rooms.js';
import { byId, setAttribute } from './dom.js';
import { Session } from './session.js';
import { whenReachable } from './when-reachable.js';

const session = new Session();
const menu = new AccountMenu(session);
await whenReachable(() => session.look());
if (!session.account) await session.goToSignIn();
menu.update();

const parts = {
  figures: new AdminFigures(),
  people: new AdminPeople(session),
  rooms: new AdminRooms(),
  desks: new AdminDesks(),
  reports: new AdminReports(),
  audit: new AdminAudit(),
  addresses: new AdminAddresses(),
};
addEventListener('hashchange', show);
show();

// Which part is shown stands in the address, so that Back and a bookmark work.
async function show() {
  const wanted = Object.hasOwn(parts, location.hash.slice(1)) ? location.hash.slice(1) : 'figures';
  for (const [name, part] of Object.entries(parts)) {
    byId(`${name}-part`).hidden = name !== wanted;
    const tab = document.querySelector(`.admin-tabs [href="#${name}"]`);
    setAttribute(tab, 'aria-current', name === wanted ? 'page' : null);
    if (name === wanted) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (name !== wanted) part.stop();
  }
  byId('trouble').textContent = '';
  try {
    await whenReachable(() => parts[wanted].start());
  } catch (error) {
    byId('trouble').textContent = error.reason ?? String(error);
  }
}
