import { Board } from './board.js';
import { BoardChat } from './board-chat.js';
import { png, save, svg } from './board-export.js';
import { BoardRoom } from './board-room.js';
import { BoardTools } from './board-tools.js';
import { confirm } from './confirm-dialog.js';
import { converse } from './conversation.js';
import { byId } from './dom.js';
import { Emitter } from './emitter.js';
import { notice, tell } from './notice.js';
import { OutPanel } from './out-panel.js';
import { Outbox } from './parley.js';
import { visitor } from './visitor.js';

/** A part of the room page that has no place here. */
class Nothing extends Emitter {
  update() {}
}

/** The room's title at the head of the page. */
class BoardHead {
  update({ title }) {
    byId('room-title').textContent = title;
  }
}

const me = await visitor();
const rooms = new BoardRoom();
const room = rooms.shown;
const { feed, rules, notice: line } = converse(me, rooms, ({ session }) => ({
  head: new BoardHead(),
  tabs: new Nothing(),
  chooser: new Nothing(),
  people: new Nothing(),
  out: new OutPanel(session),
}));
new BoardChat(feed);
const tools = new BoardTools();
// What is drawn goes its own way: it does not wait for what is said, nor the other way round.
const board = new Board({ ...me, outbox: new Outbox(me.connection), room, tools });

const mayDraw = () => room.out === null && rules.whyNot(room) === '';
board.on('changed', () => tools.enable(board.can));
rules.on('changed', () => {
  board.mayDraw = mayDraw();
  byId('board-why-not').textContent = line.update(room);
});
me.connection.on('refused', () => (board.mayDraw = false));
me.connection.on('subscribed', () => (board.mayDraw = mayDraw()));
tools.on('clear', () => {
  confirm({
    question: 'Clear the whole board?',
    consequence: 'What everybody has drawn here goes, for all of you and for good.',
    action: 'Clear',
    isGrave: true,
    act: () => board.clear(),
  });
});
tools.on('png', () => exported(async () => save(await png(board.picture), `${room.title}.png`)));
tools.on('svg', () => {
  exported(() => save(new Blob([svg(board.picture, room.title)], { type: 'image/svg+xml' }), `${room.title}.svg`));
});
tools.enable(board.can);
rooms.start();
// Who comes to draw is not writing yet: the keys are those of the tools.
document.activeElement.blur();
me.connection.start();

async function exported(act) {
  if (board.picture.isEmpty) notice('Nothing has been drawn yet.');
  else await Promise.resolve(act()).catch(tell);
}
