import { Emitter } from './emitter.js';

/** The shortest time between two messages of one hand, in milliseconds: 20 a second. */
const PACE = 50;

/** Points in one message at most; the server takes 500. */
const MOST = 400;

/**
 * Sends what one draws, in order: of the stroke under way what has come since the last message, one message at a time
 * and 20 a second at most. Each goes through the outbox, so it is sent again under its key until it is in the log.
 * Emits `refused` (`{stroke, reason}`; `stroke` is undefined for what was none) and `idle`.
 */
export class BoardSender extends Emitter {
  #outbox;
  #room;
  #queue = [];
  #underWay = null;
  #sentAt = -Infinity;
  #timer = null;

  constructor(outbox, room) {
    super();
    this.#outbox = outbox;
    this.#room = room;
    outbox.on('settled', ({ item }) => this.#settled(item.command.key));
    outbox.on('failed', ({ command, reason }) => this.#failed(command.key, reason));
  }

  /** Whether something is still to be sent. */
  get isBusy() {
    return this.#underWay !== null || this.#queue.length > 0;
  }

  /** Sends a stroke, from now on until it is done: call `go` when it has grown. */
  begin(stroke) {
    this.#queue.push({ stroke, sent: 0, part: 0 });
  }

  /** Takes a stroke back, and with it what is still to be sent of it. */
  undo(stroke) {
    const isUnsent = this.#queue.some((item) => item.stroke === stroke && item.part === 0);
    this.#queue = this.#queue.filter((item) => item.stroke !== stroke);
    if (!isUnsent) this.#queue.push({ kind: 'board.undo', data: { stroke: stroke.stroke } });
    this.go();
  }

  clear() {
    this.#queue.push({ kind: 'board.clear', data: {} });
    this.go();
  }

  /** Sends nothing more of strokes that are no more, as `isThere(stroke)` says. */
  forget(isThere) {
    this.#queue = this.#queue.filter(({ stroke }) => !stroke || isThere(stroke));
  }

  /** Sends what there is, now or when it is time. */
  go() {
    if (this.#underWay !== null || this.#timer !== null) return;
    const wait = this.#sentAt + PACE - performance.now();
    if (wait <= 0) {
      this.#send();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, wait);
  }

  #send() {
    const item = this.#queue[0];
    const message = item && (item.kind ? item : this.#nextPart(item));
    if (!message) {
      if (!item) this.emit('idle');
      return;
    }
    if (item.kind || message.data.done) this.#queue.shift();
    this.#sentAt = performance.now();
    const { kind, data } = message;
    this.#underWay = { key: null, stroke: item.stroke };
    this.#underWay.key = this.#outbox.add({ type: 'send', room: this.#room, kind, data });
  }

  #nextPart(item) {
    const { stroke, sent, part } = item;
    const points = stroke.points.slice(sent * 3, (sent + MOST) * 3);
    const isAll = sent * 3 + points.length === stroke.points.length;
    const done = stroke.isDone && isAll;
    if (points.length === 0 && !done) return null;
    item.sent += points.length / 3;
    item.part += 1;
    const { tool, colour, width } = stroke;
    return { kind: 'board.stroke', data: { stroke: stroke.stroke, part, tool, colour, width, points, done } };
  }

  #settled(key) {
    if (key !== this.#underWay?.key) return;
    this.#underWay = null;
    this.go();
  }

  #failed(key, reason) {
    if (key !== this.#underWay?.key) return;
    const { stroke } = this.#underWay;
    this.#underWay = null;
    if (stroke) this.#queue = this.#queue.filter((item) => item.stroke !== stroke);
    this.#outbox.discard(key);
    this.emit('refused', { stroke, reason });
    this.go();
  }
}
