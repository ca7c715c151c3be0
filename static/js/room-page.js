import { AccountMenu } from './account-menu.js';
import { Composer } from './composer.js';
import { ComposerNotice } from './composer-notice.js';
import { ConnectionPill } from './connection-pill.js';
import { HistoryPager } from './history-pager.js';
import { LogActions } from './log-actions.js';
import { LogView } from './log-view.js';
import { Moderation } from './moderation.js';
import { NewMessagesButton } from './new-messages-button.js';
import { OpenRooms } from './open-rooms.js';
import { OutPanel } from './out-panel.js';
import { Connection, Outbox } from './parley.js';
import { PeoplePanel } from './people-panel.js';
import { ProfileCard } from './profile-card.js';
import { Profiles } from './profiles.js';
import { RoomChooser } from './room-chooser.js';
import { RoomFeed } from './room-feed.js';
import { RoomRules } from './room-rules.js';
import { RoomTabs } from './room-tabs.js';
import { RoomView } from './room-view.js';
import { Session } from './session.js';
import { SignedOutDialog } from './signed-out-dialog.js';
import { whenReachable } from './when-reachable.js';

const session = new Session();
const account = new AccountMenu(session);
await whenReachable(() => session.require());
account.update();

const transport = new URLSearchParams(location.search).get('transport');
const connection = new Connection({ transport });
const pill = new ConnectionPill(() => connection.connect());
connection.on('state', (state) => pill.update(state));
connection.on('state', ({ name, reason }) => name === 'signed-out' && signInAgain(reason));

connection.on('welcome', ({ user }) => {
  session.take(user);
  account.update();
});

const outbox = new Outbox(connection, session.user.name);
const rooms = new OpenRooms();
const pager = new HistoryPager();
const feed = new RoomFeed({ connection, rooms, session, pager });
const profiles = new Profiles();
const log = new LogView({ outbox, session, profiles });
const rules = new RoomRules({ connection, rooms, session });

new RoomView({
  connection,
  session,
  outbox,
  rooms,
  pager,
  feed,
  log,
  actions: new LogActions(),
  composer: new Composer(),
  tabs: new RoomTabs(),
  people: new PeoplePanel(profiles),
  chooser: new RoomChooser(),
  news: new NewMessagesButton(log),
  rules,
  profiles,
  card: new ProfileCard(profiles, session),
  moderation: new Moderation(rooms),
  notice: new ComposerNotice(rules, session),
  out: new OutPanel(session),
});
rooms.start();
connection.start();

async function signInAgain(reason) {
  // Who had an account is not to find themselves here as a guest.
  if (session.account) {
    new SignedOutDialog(session).show(reason);
    return;
  }
  await whenReachable(() => session.require({ reason: reason ?? '' }));
  account.update();
  outbox.handTo(session.user.name);
  connection.connect();
}
