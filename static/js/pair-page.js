import { converse } from './conversation.js';
import { byId } from './dom.js';
import { onEscapeTwice } from './escape-twice.js';
import { Nothing } from './nothing.js';
import { tell } from './notice.js';
import { PairLine } from './pair-line.js';
import { PairRooms } from './pair-rooms.js';
import { PairView } from './pair-view.js';
import { PairWishes } from './pair-wishes.js';
import { Pairing } from './pairing.js';
import { PartnerBar } from './partner-bar.js';
import { visitor } from './visitor.js';

const me = await visitor({ isForRooms: false });
const wishes = new PairWishes();
const rooms = new PairRooms();
const { people, outbox, feed, moderation } = converse(me, rooms, ({ profiles }) => ({
  head: new Nothing(),
  tabs: new Nothing(),
  chooser: new Nothing(),
  out: new Nothing(),
  people: new PartnerBar(profiles),
}));
const pairing = new Pairing(new PairLine(me.connection), wishes);
const view = new PairView(pairing, me.session);

pairing.on('changed', () => {
  byId('pair-wanted').textContent = wishes.tags.length ? `Interests: ${wishes.tags.join(', ')}` : '';
  view.update();
});
pairing.on('refused', tell);
pairing.on('met', ({ room, partner }) => {
  people.show(partner);
  rooms.open(room, partner);
  byId('pair-report').disabled = true;
});
pairing.on('parted', ({ room }) => {
  rooms.end(room);
  for (const { command } of outbox.messagesOf(room)) outbox.discard(command.key);
});
feed.on('changed', ({ room }) => (byId('pair-report').disabled = !lastOf(room, pairing.partner)));

byId('pair-start').addEventListener('submit', (event) => {
  event.preventDefault();
  wishes.finish();
  pairing.seek();
});
byId('pair-cancel').addEventListener('click', () => pairing.stop());
byId('pair-stop').addEventListener('click', () => pairing.stop());
byId('pair-enough').addEventListener('click', () => pairing.stop());
byId('pair-next').addEventListener('click', () => pairing.next());
byId('pair-again').addEventListener('click', () => pairing.next());
byId('pair-block').addEventListener('click', () => pairing.block());
byId('pair-keep').addEventListener('click', () => pairing.keep());
byId('pair-report').addEventListener('click', () => moderation.report(lastOf(rooms.shown, pairing.partner).seq));
onEscapeTwice(
  () => pairing.phase === 'talking' && view.hint('Press Esc again for somebody else.'),
  () => pairing.next(),
);
me.connection.start();

// The partner's last message that still says something: what a report is about, unless one is chosen in the log.
function lastOf({ timeline }, { id }) {
  return timeline.messages.findLast(({ user, deleted }) => user.id === id && !deleted);
}
