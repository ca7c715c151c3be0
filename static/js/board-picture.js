import { around, newPiece, newStroke } from './board-strokes.js';

/**
 * What has been drawn on a board, as plain data: the pieces of strokes in the order of the log, the later over the
 * earlier ones. On top of them is what one draws oneself and what the log does not have yet.
 */
export class BoardPicture {
  #strokes = new Map();
  #pieces = [];
  #own = new Map();
  #undone = new Set();

  /** The `seq` of the last entry in it; null before anything was loaded. */
  seq = null;

  /** The pieces in the log, in order. */
  get pieces() {
    return this.#pieces;
  }

  /** The pieces on top that are not in the log yet, in order. */
  get ownPieces() {
    return [...this.#own.values()]
      .filter(({ points }) => points.length > 0)
      .map((stroke) => newPiece(stroke, stroke.logged, stroke.points.length / 3, { ends: stroke.isDone }));
  }

  /** The rectangle around all that can be seen, or null. */
  get box() {
    const pieces = [...this.#pieces, ...this.ownPieces];
    return pieces.filter(({ stroke }) => stroke.tool === 'pen').reduce((box, piece) => around(box, piece.box), null);
  }

  /** Whether nothing has been drawn. */
  get isEmpty() {
    return this.#pieces.length === 0 && this.#own.size === 0;
  }

  /** Whether a stroke of one's own is still there, in the log or on its way to it. */
  holds(stroke) {
    return this.#own.has(nameOf(stroke)) || this.#strokes.has(nameOf(stroke));
  }

  /** The last stroke of somebody that is still there, or undefined. */
  lastOf(user) {
    return [...this.#own.values()].at(-1) ?? [...this.#strokes.values()].findLast((stroke) => stroke.user === user);
  }

  /** Begins anew with the answer of `GET /api/rooms/<room>/board`. */
  load({ seq, strokes, parts }) {
    this.seq = seq;
    this.#pieces = [];
    this.#strokes.clear();
    const byPlace = strokes.map(({ parts: count, done, ...fields }) => {
      const stroke = newStroke({ ...fields, parts: count, isDone: Boolean(done) });
      this.#strokes.set(nameOf(stroke), stroke);
      return { stroke, left: count };
    });
    for (const [at, place, points] of parts) {
      const each = byPlace[place];
      each.left -= 1;
      this.#append(each.stroke, at, points, each.left === 0 && each.stroke.isDone);
    }
    for (const stroke of [...this.#own.values()]) this.#settle(stroke);
    this.#without(({ stroke }) => this.#undone.has(nameOf(stroke)));
    for (const name of this.#undone) this.#strokes.delete(name);
  }

  /**
   * Takes in the next entries of the log. Returns the pieces that are to be drawn, `added`, and the rectangle that is to
   * be drawn anew, `changed`: null for nothing, 'all' for everything. `clearedBy` is who has cleared the board, or null.
   */
  take(entries) {
    const news = { added: [], changed: null, clearedBy: null };
    for (const entry of entries) {
      if (entry.seq <= this.seq) continue;
      this.seq = entry.seq;
      if (entry.type === 'delete') this.#cut(entry.target, news);
      else if (entry.type === 'message' && entry.data) this.#takeMessage(entry, news);
    }
    return news;
  }

  /** Begins a stroke of one's own, on top of all. */
  begin(fields) {
    const stroke = Object.assign(newStroke(fields), { logged: 0 });
    this.#own.set(nameOf(stroke), stroke);
    return stroke;
  }

  /** Takes a stroke away that one has undone or that was refused. Returns the rectangle that is to be drawn anew. */
  remove(stroke) {
    const name = nameOf(stroke);
    this.#undone.add(name);
    const own = this.#own.get(name);
    this.#own.delete(name);
    this.#strokes.delete(name);
    const rest = own ? newPiece(own, 0, own.points.length / 3).box : null;
    return around(this.#without((piece) => nameOf(piece.stroke) === name), rest);
  }

  #takeMessage({ seq, kind, user, data }, news) {
    if (kind === 'board.stroke') this.#draw(seq, user.id, data, news);
    else if (kind === 'board.undo') this.#undo(`${user.id} ${data.stroke}`, news);
    else if (kind === 'board.clear') this.#clear(user, news);
  }

  #draw(seq, user, { part, points, done, ...fields }, news) {
    const name = nameOf({ user, ...fields });
    const known = this.#strokes.get(name);
    if (part !== (known?.parts ?? 0) || this.#undone.has(name)) return;
    const stroke = known ?? newStroke({ user, ...fields });
    this.#strokes.set(name, stroke);
    stroke.parts += 1;
    stroke.isDone = Boolean(done);
    const piece = this.#append(stroke, seq, points, stroke.isDone);
    const own = this.#own.get(name);
    if (own) this.#settle(own);
    else news.added.push(piece);
  }

  #append(stroke, seq, points, ends) {
    const from = stroke.points.length / 3;
    for (const number of points) stroke.points.push(number);
    const piece = newPiece(stroke, from, stroke.points.length / 3, { seq, ends });
    this.#pieces.push(piece);
    return piece;
  }

  // What the log has of a stroke of one's own is on top no more.
  #settle(own) {
    const name = nameOf(own);
    const stroke = this.#strokes.get(name);
    if (!stroke) return;
    own.parts = Math.max(own.parts, stroke.parts);
    own.logged = stroke.points.length / 3;
    if (stroke.isDone) this.#own.delete(name);
  }

  #undo(name, news) {
    this.#strokes.delete(name);
    this.#own.delete(name);
    news.changed = both(news.changed, this.#without(({ stroke }) => nameOf(stroke) === name));
  }

  #clear(user, news) {
    this.#pieces = [];
    this.#strokes.clear();
    // Of a stroke under way what comes after is not drawn any more: its beginning is gone.
    for (const [name, own] of this.#own) if (own.parts > 0) this.#own.delete(name);
    Object.assign(news, { added: [], changed: 'all', clearedBy: user });
  }

  #cut(seq, news) {
    const piece = this.#pieces.find((each) => each.seq === seq);
    if (!piece) return;
    const { stroke, from } = piece;
    const isAfter = (each) => each.stroke === stroke && each.seq >= seq;
    stroke.parts -= this.#pieces.filter(isAfter).length;
    news.changed = both(news.changed, this.#without(isAfter));
    stroke.points.length = from * 3;
    if (stroke.parts === 0) this.#strokes.delete(nameOf(stroke));
  }

  // Takes pieces away; returns the rectangle around them.
  #without(isGone) {
    let box = null;
    this.#pieces = this.#pieces.filter((piece) => {
      if (!isGone(piece)) return true;
      box = around(box, piece.box);
      return false;
    });
    return box;
  }
}

function nameOf({ user, stroke }) {
  return `${user} ${stroke}`;
}

function both(one, other) {
  return one === 'all' ? one : around(one, other);
}
