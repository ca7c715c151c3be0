import { AccountMenu } from './account-menu.js';
import { byId } from './dom.js';
import { NewDirectForm } from './new-direct-form.js';
import { NewRoomForm } from './new-room-form.js';
import { RoomCards } from './room-cards.js';
import { RoomList } from './room-list.js';
import { Session } from './session.js';
import { whenReachable } from './when-reachable.js';

const session = new Session();
const account = new AccountMenu(session);
new NewRoomForm(session);
new NewDirectForm(session);

const cards = new RoomCards();
const list = new RoomList();
list.on('rooms', (rooms) => cards.update(rooms));
list.on('trouble', (sentence) => (byId('trouble').textContent = sentence));
list.start();

await whenReachable(() => session.look());
account.update();
