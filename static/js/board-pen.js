import { EVEN } from './board-strokes.js';
import { Emitter } from './emitter.js';

/** Points nearer than this to the last one say nothing, in CSS pixels. */
const NEAR = 0.7;

/** A finger that a second one follows within this time had not begun to draw, in milliseconds. */
const SECOND_FINGER = 250;

const MIDDLE_BUTTON = 1;

/**
 * What hands do on the board: one finger, the mouse or a pen draws; two fingers, the middle button or the space bar move
 * the view. Once a pen has been used fingers only move the view, as a hand lies beside a pen.
 *
 * Emits `begin`, `points` (x, y and pressure in turn; x and y in CSS pixels of the window), `end` and `cancel` of a
 * stroke; `pan` (`[dx, dy]`), `zoom` (`[factor, x, y]`) and `hover` (`[x, y]`).
 */
export class BoardPen extends Emitter {
  #stage;
  #pointers = new Map();
  #drawing = null;
  #begunAt = 0;
  #last = null;
  #hasPen = false;

  /** Whether nothing is drawn, and whoever drags moves the view. */
  isHand = false;

  /** Whether the space bar is held. */
  isSpace = false;

  constructor(stage) {
    super();
    this.#stage = stage;
    stage.addEventListener('pointerdown', (event) => this.#down(event));
    stage.addEventListener('pointermove', (event) => this.#move(event));
    stage.addEventListener('pointerup', (event) => this.#up(event));
    stage.addEventListener('pointercancel', (event) => this.#up(event));
    stage.addEventListener('lostpointercapture', (event) => this.#up(event));
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    stage.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  get isDrawing() {
    return this.#drawing !== null;
  }

  /** Ends the stroke under way, as if the hand had been lifted. */
  lift() {
    if (this.#drawing === null) return;
    this.#drawing = null;
    this.emit('end');
  }

  #down(event) {
    if (event.target.closest('button, a, input, label')) return;
    this.#stage.setPointerCapture(event.pointerId);
    this.#hasPen ||= event.pointerType === 'pen';
    const place = this.#place(event);
    this.#pointers.set(event.pointerId, { place, type: event.pointerType });
    if (this.#isSecondFinger(event)) this.#giveUp();
    else if (this.#draws(event)) this.#begin(event, place);
  }

  #draws({ button, pointerType }) {
    if (this.isHand || this.isSpace || this.#drawing !== null || button === MIDDLE_BUTTON || button > 0) return false;
    if (pointerType === 'touch') return !this.#hasPen && this.#pointers.size === 1;
    return true;
  }

  #isSecondFinger({ pointerType }) {
    return pointerType === 'touch' && this.#pointers.size > 1;
  }

  // Two fingers move the view: what the first one has drawn was no stroke, unless it has drawn for a while.
  #giveUp() {
    if (this.#drawing === null || this.#pointers.get(this.#drawing)?.type !== 'touch') return;
    this.#drawing = null;
    this.emit(performance.now() - this.#begunAt < SECOND_FINGER ? 'cancel' : 'end');
  }

  #begin(event, place) {
    this.#drawing = event.pointerId;
    this.#begunAt = performance.now();
    this.#last = place;
    this.emit('begin');
    this.emit('points', [...place, pressure(event)]);
  }

  #move(event) {
    const place = this.#place(event);
    const pointer = this.#pointers.get(event.pointerId);
    if (event.pointerId === this.#drawing) this.#draw(event);
    else if (pointer) this.#drag(pointer, place);
    else this.emit('hover', place);
    if (pointer) pointer.place = place;
  }

  #draw(event) {
    const events = event.getCoalescedEvents?.() ?? [];
    const points = [];
    for (const each of events.length ? events : [event]) {
      const place = this.#place(each);
      if (Math.hypot(place[0] - this.#last[0], place[1] - this.#last[1]) < NEAR) continue;
      this.#last = place;
      points.push(...place, pressure(each));
    }
    if (points.length) this.emit('points', points);
  }

  #drag(pointer, place) {
    const others = [...this.#pointers.values()].filter((other) => other !== pointer && other.type === 'touch');
    if (this.#drawing !== null) return;
    const share = others.length ? 0.5 : 1;
    this.emit('pan', [(place[0] - pointer.place[0]) * share, (place[1] - pointer.place[1]) * share]);
    if (others.length !== 1 || pointer.type !== 'touch') return;
    const [other] = others;
    const before = Math.hypot(pointer.place[0] - other.place[0], pointer.place[1] - other.place[1]);
    const now = Math.hypot(place[0] - other.place[0], place[1] - other.place[1]);
    if (before < 1) return;
    this.emit('zoom', [now / before, (place[0] + other.place[0]) / 2, (place[1] + other.place[1]) / 2]);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (event.pointerId !== this.#drawing) return;
    this.#drawing = null;
    this.emit(event.type === 'pointercancel' ? 'cancel' : 'end');
  }

  #wheel(event) {
    event.preventDefault();
    const [x, y] = this.#place(event);
    const pixels = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) this.emit('pan', [-(event.deltaX + event.deltaY) * pixels, 0]);
    else if (event.deltaX !== 0 && !event.ctrlKey) this.emit('pan', [-event.deltaX * pixels, -event.deltaY * pixels]);
    else this.emit('zoom', [Math.exp((-event.deltaY * pixels) / (event.ctrlKey ? 100 : 500)), x, y]);
  }

  #place(event) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}

// A mouse says 0.5 while its button is held, and a finger that is not measured says 0 or 1.
function pressure({ pointerType, pressure: pressed }) {
  if (pointerType !== 'pen' || !pressed) return EVEN;
  return Math.round(Math.min(1, pressed) * 100);
}
