import { BoardCursors } from './board-cursors.js';
import { BoardFeed } from './board-feed.js';
import { BoardInk } from './board-ink.js';
import { BoardPen } from './board-pen.js';
import { BoardPicture } from './board-picture.js';
import { BoardSender } from './board-sender.js';
import { UNIT } from './board-strokes.js';
import { BoardView } from './board-view.js';
import { byId } from './dom.js';
import { Emitter } from './emitter.js';
import { newKey } from './keys.js';
import { notice } from './notice.js';

/** How often others are told where one points, at most, in milliseconds. */
const POINTING = 100;

/** How far the arrow keys and the zoom buttons go: in CSS pixels, and as a factor. */
const STEP = 80;
const ZOOM = 1.25;

const ARROWS = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

/**
 * The board of a room: its picture on the screen, what one's hands do there, and what the others do. Emits `changed` when
 * other things can be done: see `can`.
 */
export class Board extends Emitter {
  #stage = byId('board');
  #canvas = byId('board-canvas');
  #status = byId('board-status');
  #connection;
  #session;
  #room;
  #tools;
  #sender;
  #feed;
  #picture = new BoardPicture();
  #view = new BoardView();
  #ink = new BoardInk(this.#canvas, this.#picture, this.#view);
  #pen = new BoardPen(this.#stage);
  #cursors = new BoardCursors(byId('board-cursors'), this.#view);
  #stroke = null;
  #redo = [];
  #mayClear = false;
  #mayDraw = true;
  #isFrameWanted = false;
  #pointedAt = -Infinity;
  #hasSeen = false;

  constructor({ connection, outbox, session, room, tools }) {
    super();
    this.#connection = connection;
    this.#session = session;
    this.#room = room;
    this.#tools = tools;
    this.#sender = new BoardSender(outbox, room.name);
    this.#feed = new BoardFeed(connection, this.#picture, room);
    this.#followFeed();
    this.#followPen();
    this.#followTools();
    this.#followKeys();
    this.#resize();
    new ResizeObserver(() => this.#resize()).observe(this.#stage);
  }

  /** What can be done at the moment, for BoardTools. */
  get can() {
    const canUndo = this.#picture.lastOf(this.#session.user.id) !== undefined;
    return { canDraw: this.#mayDraw, canUndo, canRedo: this.#redo.length > 0, canClear: this.#mayClear };
  }

  /** What has been drawn. */
  get picture() {
    return this.#picture;
  }

  /** Says whether one may draw here. */
  set mayDraw(mayDraw) {
    this.#mayDraw = mayDraw;
    if (!mayDraw) this.#pen.lift();
    this.#pen.isHand = this.#tools.tool === 'hand' || !mayDraw;
    this.emit('changed');
  }

  clear() {
    this.#sender.clear();
  }

  undo() {
    const stroke = this.#picture.lastOf(this.#session.user.id);
    if (!stroke) return;
    if (stroke === this.#stroke) this.#pen.lift();
    this.#redo.push(stroke);
    this.#takeBack(stroke);
  }

  /** Draws once more what was undone last. */
  redo() {
    const undone = this.#redo.pop();
    if (!undone) return;
    const stroke = this.#begin(undone);
    stroke.points.push(...undone.points);
    this.#grow(stroke);
    this.#end(stroke);
  }

  #followFeed() {
    this.#feed.on('loaded', ({ clear }) => {
      this.#mayClear = clear;
      this.#letGo();
      this.#look();
      this.#stage.dataset.state = 'loaded';
      this.#renew('all');
    });
    this.#feed.on('news', (news) => this.#takeNews(news));
    this.#connection.on('signal', ({ room, user, kind, data }) => {
      const isOurs = kind === 'board.cursor' && this.#room.name === room && user.id !== this.#session.user.id;
      if (!isOurs) return;
      this.#cursors.show(user, data.x, data.y);
      this.#wantFrame();
    });
    this.#connection.on('left', ({ user }) => this.#cursors.hide(user.id));
    this.#sender.on('refused', ({ stroke, reason }) => {
      if (stroke && stroke === this.#stroke) this.#pen.lift();
      if (stroke) this.#takeBack(stroke, { isTold: false });
      notice(reason);
    });
  }

  #takeNews({ added, changed, clearedBy, entries }) {
    this.#ink.add(added);
    if (changed) this.#renew(changed);
    else this.#wantFrame();
    for (const { stroke, to } of added) {
      if (stroke.user === this.#session.user.id) continue;
      const user = entries.findLast((entry) => entry.user.id === stroke.user)?.user;
      if (user && to > 0) this.#cursors.show(user, ...stroke.points.slice(-3, -1));
    }
    if (!clearedBy) return;
    this.#redo = [];
    this.#letGo();
    this.#status.textContent = `${clearedBy.name} cleared the board.`;
    if (clearedBy.id !== this.#session.user.id) notice(`${clearedBy.name} cleared the board.`);
  }

  #followPen() {
    this.#pen.on('begin', () => {
      this.#redo = [];
      const { tool, colour, width } = this.#tools;
      this.#stroke = this.#begin({ tool, colour, width: Math.round(width / UNIT) });
    });
    this.#pen.on('points', (points) => {
      for (let at = 0; at < points.length; at += 3) {
        const [x, y] = this.#view.toBoard(points[at], points[at + 1]).map(Math.round);
        this.#stroke.points.push(x, y, points[at + 2]);
      }
      this.#grow(this.#stroke);
    });
    this.#pen.on('end', () => {
      this.#end(this.#stroke);
      this.#stroke = null;
    });
    this.#pen.on('cancel', () => {
      this.#stroke.isDone = true;
      this.#takeBack(this.#stroke);
      this.#stroke = null;
    });
    this.#pen.on('pan', ([dx, dy]) => this.#view.pan(dx, dy));
    this.#pen.on('zoom', ([factor, x, y]) => this.#view.zoom(factor, x, y));
    this.#pen.on('hover', (place) => this.#point(this.#view.toBoard(...place).map(Math.round)));
    this.#view.on('moved', (before) => {
      this.#ink.moved(before);
      this.#tools.showScale(this.#view.scale);
      this.#wantFrame();
    });
  }

  #followTools() {
    this.#tools.on('changed', () => (this.mayDraw = this.#mayDraw));
    this.#tools.on('undo', () => this.undo());
    this.#tools.on('redo', () => this.redo());
    this.#tools.on('zoom-in', () => this.#view.zoom(ZOOM));
    this.#tools.on('zoom-out', () => this.#view.zoom(1 / ZOOM));
    this.#tools.on('fit', () => this.#view.fit(this.#picture.box));
  }

  #followKeys() {
    this.#stage.addEventListener('keydown', (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow) return;
      this.#view.pan(...arrow);
      event.preventDefault();
    });
    for (const type of ['keydown', 'keyup']) {
      document.addEventListener(type, (event) => {
        if (event.key !== ' ' || event.target.closest('input, textarea, button, a, dialog[open], summary')) return;
        this.#pen.isSpace = type === 'keydown';
        document.body.classList.toggle('board-moves', this.#pen.isSpace);
        event.preventDefault();
      });
    }
    addEventListener('beforeunload', (event) => this.#sender.isBusy && event.preventDefault());
  }

  #begin({ tool, colour, width }) {
    const stroke = this.#picture.begin({ user: this.#session.user.id, stroke: newKey(), tool, colour, width });
    this.#sender.begin(stroke);
    return stroke;
  }

  #grow(stroke) {
    this.#ink.grow(stroke);
    this.#wantFrame();
    this.#sender.go();
  }

  #end(stroke) {
    stroke.isDone = true;
    this.#grow(stroke);
    this.emit('changed');
  }

  // `isTold`: whether the others are to know.
  #takeBack(stroke, { isTold = true } = {}) {
    if (isTold) this.#sender.undo(stroke);
    this.#renew(this.#picture.remove(stroke));
  }

  // Nothing more is drawn of strokes whose beginning is gone.
  #letGo() {
    const isThere = (stroke) => this.#picture.holds(stroke);
    if (this.#stroke && !isThere(this.#stroke)) this.#pen.lift();
    this.#sender.forget(isThere);
  }

  #renew(box) {
    this.#ink.renew(box);
    this.#wantFrame();
    this.emit('changed');
  }

  #point([x, y]) {
    const now = performance.now();
    if (now - this.#pointedAt < POINTING || !this.#mayDraw || this.#room.members.length < 2) return;
    this.#pointedAt = now;
    this.#connection.send({ type: 'signal', room: this.#room.name, kind: 'board.cursor', data: { x, y } });
  }

  // Brings what there is into view, once, as soon as there are a picture and a window to see it in.
  #look() {
    if (this.#hasSeen || !this.#view.hasSize || !this.#feed.isLoaded) return;
    if (!this.#isInView()) this.#view.fit(this.#picture.box);
    this.#hasSeen = true;
  }

  // Whether something of the picture is where one begins to look.
  #isInView() {
    const box = this.#picture.box;
    if (!box) return true;
    const [left, top, right, bottom] = this.#view.box;
    return box[0] >= left && box[1] >= top && box[2] <= right && box[3] <= bottom;
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    const ratio = devicePixelRatio || 1;
    if (width === 0 || height === 0) return;
    Object.assign(this.#canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.#view.resize(width, height, ratio);
    this.#look();
    this.#ink.resized();
    this.#tools.showScale(this.#view.scale);
    this.#wantFrame();
  }

  #wantFrame() {
    if (this.#isFrameWanted) return;
    this.#isFrameWanted = true;
    requestAnimationFrame(() => {
      this.#isFrameWanted = false;
      this.#ink.frame();
      this.#cursors.frame();
      if (this.#ink.isBusy) this.#wantFrame();
    });
  }
}
