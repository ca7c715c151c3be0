import { call } from './api.js';
import { CannedMenu } from './canned-menu.js';
import { converse } from './conversation.js';
import { DeskBar } from './desk-bar.js';
import { DeskNotes } from './desk-notes.js';
import { DeskQueue } from './desk-queue.js';
import { DeskRooms } from './desk-rooms.js';
import { byId, el } from './dom.js';
import { Nothing } from './nothing.js';
import { notice, tell } from './notice.js';
import { showTitle } from './title-badge.js';
import { visitor } from './visitor.js';

const me = await visitor({ isForRooms: false });
const rooms = new DeskRooms();
const { log } = converse(me, rooms, () => ({
  head: new Nothing(),
  tabs: new Nothing(),
  chooser: new Nothing(),
  out: new Nothing(),
  people: new Nothing(),
}));
const queue = new DeskQueue(me.session.user.id);
const bar = new DeskBar(me.session.user.id);
const notes = new DeskNotes();
const canned = new CannedMenu();
let desk = null;
byId('composer').placeholder = 'Write an answer, or / for one that is ready';

queue.on('chosen', open);
queue.on('changed', (conversation) => conversation.id === rooms.shown?.name && bar.update(conversation));
queue.on('counted', (waiting) => {
  rooms.waiting = waiting;
  showTitle(rooms.shown ?? { title: 'Support desk' }, rooms.all);
});
bar.on('stepped', (conversation) => {
  queue.take(conversation);
  queue.showState(conversation.state);
});
bar.on('back', () => look('queue'));
byId('desk').addEventListener('change', ({ target }) => attend(target.value).catch(tell));
document.addEventListener('visibilitychange', () => showTitle(rooms.shown ?? { title: 'Support desk' }, rooms.all));

// What happens at the desk comes through its agents' room.
me.connection.on('entries', ({ room, entries, isFirst }) => {
  if (room !== desk?.room || isFirst) return;
  for (const { kind, data } of entries) {
    if (kind === 'desk.conversation') queue.take(data.conversation);
    if (kind === 'desk.note') note(data);
    if (kind === 'desk.changed') renew().catch(tell);
  }
});
// First the news, then the queue: what changes meanwhile is in one of them.
me.connection.on('subscribed', ({ room, isFirst }) => room === desk?.room && isFirst && showQueue().catch(tell));
for (const type of ['reset', 'gap']) me.connection.on(type, ({ room }) => room === desk?.room && queue.load(desk).catch(tell));
me.connection.on('refused', ({ room, reason }) => room === desk?.room && notice(`You are no longer at this desk: ${reason}`));
me.connection.start();
await begin().catch((error) => (byId('trouble').textContent = error.reason ?? String(error)));

async function begin() {
  const desks = (await call('GET', '/api/desks')).desks.filter(({ serves }) => serves);
  byId('desk').replaceChildren(...desks.map(({ name, title }) => el('option', { value: name }, title)));
  byId('desk-choice').hidden = desks.length < 2;
  if (desks.length) await attend(desks[0].name);
  else byId('trouble').textContent = 'You are an agent of no desk. Desks are made in the administration.';
}

async function attend(name) {
  if (desk) me.connection.unsubscribe(desk.room);
  await renew(name);
  me.connection.subscribe(desk.room);
}

async function showQueue() {
  await queue.load(desk);
  const wanted = queue.get(location.hash.slice(1));
  if (wanted) open(wanted);
}

async function renew(name = desk.name) {
  desk = await call('GET', `/api/desks/${name}/settings`);
  bar.people = desk.people;
  canned.answers = desk.canned;
}

async function open(conversation) {
  byId('desk-hint').hidden = true;
  byId('desk-conversation').hidden = false;
  history.replaceState(null, '', `#${conversation.id}`);
  const room = rooms.open(conversation);
  queue.mark(conversation.id);
  bar.update(conversation);
  look('talk');
  await notes.load(conversation.id, room).catch(tell);
  log.refresh({ quietly: true });
}

function note({ conversation, note }) {
  const room = rooms.get(conversation);
  if (!room) return;
  notes.take(note, room);
  log.refresh();
}

// On a phone either the queue or the conversation is in view.
function look(view) {
  document.body.dataset.view = view;
  if (view === 'queue') byId('queue').querySelector('[aria-current]')?.focus();
}
