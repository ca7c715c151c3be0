import { Emitter } from './emitter.js';

/**
 * How it is with this page and its partner. `phase` is "start", "asking" (the server has not answered yet), "waiting"
 * (at `position` of the queue), "talking" (in `room` with `partner`) or "over" (for the `reason` of the contract, or "away"
 * where one was away for too long oneself). Emits `changed`, `met` and `parted` (`{room, partner}`) and `refused` (an error).
 */
export class Pairing extends Emitter {
  #line;
  #wishes;
  #wantsOut = false;
  #kept = { room: null, by: [], stored: false };

  phase = 'start';
  position = null;
  room = null;
  partner = null;

  /** Why the last pair ended; null from the next one on. */
  reason = null;

  /** `wishes`: `{tags, keepsLooking}`, as they are at any moment. */
  constructor(line, wishes) {
    super();
    this.#line = line;
    this.#wishes = wishes;
    line.on('found', (state) => this.#find(state));
    line.on('told', (state) => this.#take(state));
    line.on('failed', (error) => this.#fail(error));
  }

  /** Who wishes to keep the conversation, by id, and whether it is stored by now. */
  get kept() {
    return this.#kept.room === this.room ? this.#kept : { by: [], stored: false };
  }

  /** Wants a partner. */
  seek() {
    this.reason = null;
    this.#seek();
  }

  /** Wants another partner. */
  next() {
    if (this.phase === 'over') this.seek();
    else if (this.phase === 'talking') this.#line.send({ type: 'next', tags: this.#wishes.tags });
  }

  /** Wants another partner, and never this one again. */
  block() {
    if (this.phase !== 'talking') return;
    this.#line.send({ type: 'block' });
    this.next();
  }

  /** Wishes to keep the conversation. */
  keep() {
    this.#line.send({ type: 'keep' });
  }

  /** Wants no partner, nor to wait for one. */
  stop() {
    if (this.phase !== 'over' && this.#line.send({ type: 'unpair' })) return;
    this.#wantsOut = this.phase !== 'over';
    this.#part();
    this.reason = null;
    this.#change('start');
  }

  #seek() {
    this.#wantsOut = false;
    this.#change('asking');
    this.#line.send({ type: 'pair', tags: this.#wishes.tags });
  }

  // What the server knows of us after a reload, or after a break in the connection.
  #find(state) {
    const isUnder = state !== null && state.type !== 'unpaired';
    if (this.#wantsOut) {
      this.#wantsOut = false;
      if (isUnder) this.#line.send({ type: 'unpair' });
    } else if (isUnder) {
      this.#take(state);
      this.#line.send({ type: 'pair', tags: this.#wishes.tags });
    } else if (this.phase === 'talking') {
      this.#unpaired(state && state.reason !== 'stopped' ? state.reason : 'away');
    } else if (this.phase === 'waiting' || this.phase === 'asking') {
      this.#seek();
    }
  }

  #take(state) {
    if (state.type === 'waiting') this.#waiting(state);
    else if (state.type === 'paired') this.#paired(state);
    else if (state.type === 'unpaired') this.#unpaired(state.reason);
    else this.#keepers(state);
  }

  #waiting({ position }) {
    this.#part();
    this.position = position;
    this.#change('waiting');
  }

  #paired({ room, partner }) {
    if (this.phase === 'talking' && room === this.room) return;
    this.#part();
    Object.assign(this, { room, partner, reason: null });
    this.#change('talking');
    this.emit('met', { room, partner });
  }

  #unpaired(reason) {
    const wasTalking = this.phase === 'talking';
    this.#part();
    if (reason === 'stopped') {
      this.reason = null;
      this.#change('start');
    } else if (wasTalking) {
      this.reason = reason;
      if (this.#wishes.keepsLooking) this.#seek();
      else this.#change('over');
    }
  }

  // A pair may be kept before this page was told of it: then it asks who the partner is.
  #keepers({ room, by, stored }) {
    this.#kept = { room, by, stored };
    if (this.phase === 'talking' && room === this.room) this.#change('talking');
    else this.#line.send({ type: 'pair', tags: this.#wishes.tags });
  }

  #part() {
    if (this.phase === 'talking') this.emit('parted', { room: this.room, partner: this.partner });
  }

  #fail(error) {
    if (this.phase === 'asking') this.#change('start');
    this.emit('refused', error);
  }

  #change(phase) {
    this.phase = phase;
    this.emit('changed');
  }
}
