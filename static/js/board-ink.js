import { linesOf, meet } from './board-strokes.js';

/** How long one turn of drawing all anew may take before the browser gets its own turn, in milliseconds. */
const TURN = 7;

/** How long the view must rest before a picture that takes longer than a frame is drawn sharp again, in milliseconds. */
const REST = 120;

/** Draws a piece of a stroke; the context's unit is that of the board. */
export function drawPiece(context, piece) {
  const { tool, colour } = piece.stroke;
  context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
  context.strokeStyle = colour;
  let width = null;
  for (const { x0, y0, cx, cy, x1, y1, width: wanted } of linesOf(piece)) {
    if (wanted !== width) {
      if (width !== null) context.stroke();
      context.beginPath();
      context.lineWidth = width = wanted;
    }
    context.moveTo(x0, y0);
    context.quadraticCurveTo(cx, cy, x1, y1);
  }
  if (width !== null) context.stroke();
}

/** Sets a canvas up for drawing pieces. */
export function prepare(context) {
  context.lineCap = 'round';
  context.lineJoin = 'round';
}

/**
 * The canvas with the picture. What is added is drawn onto what is there. When the view moves it is drawn anew within a
 * frame where that is fast; else what was drawn moves with it, and is drawn sharp when the view rests, a bit each frame.
 */
export class BoardInk {
  #canvas;
  #context;
  #picture;
  #view;
  #added = [];
  #grown = new Set();
  #wantsAll = false;
  #still = null;
  #anew = null;
  #each = 0.004;
  #movedAt = 0;

  constructor(canvas, picture, view) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    this.#picture = picture;
    this.#view = view;
  }

  /** Whether there is something to do in the next frame. */
  get isBusy() {
    const isNews = this.#added.length > 0 || this.#grown.size > 0;
    return isNews || this.#wantsAll || this.#still !== null || this.#anew !== null;
  }

  /** Draws pieces on top of the picture, but under what one has just drawn oneself. */
  add(pieces) {
    const own = this.#picture.ownPieces;
    for (const piece of pieces) {
      if (own.some(({ box }) => meet(box, piece.box))) this.renew(piece.box);
      else this.#added.push(piece);
    }
  }

  /** Draws what has been added to a stroke of one's own since the last time. */
  grow(stroke) {
    this.#grown.add(stroke);
  }

  /** Draws a rectangle of the board anew, or 'all' of it. */
  renew(box) {
    if (box === null) return;
    if (box === 'all' || this.#wantsAll || this.#anew || this.#still) {
      this.#anew = null;
      this.#wantsAll = true;
      return;
    }
    this.#drawAdded();
    const [left, top, right, bottom] = box;
    this.#draw(this.#context, this.#view, (context) => {
      context.beginPath();
      context.rect(left, top, right - left, bottom - top);
      context.clip();
      context.clearRect(left, top, right - left, bottom - top);
      this.#drawWithin(context, box);
    });
  }

  /** The canvas has another size, and nothing is on it. */
  resized() {
    this.#anew = this.#still = null;
    this.#wantsAll = true;
    this.frame();
  }

  /** The view has moved: `before` is where it was. */
  moved(before) {
    this.#movedAt = performance.now();
    this.#anew = null;
    if (!this.#isFast) this.#still ??= { image: copyOf(this.#canvas), view: before };
    this.#wantsAll = true;
  }

  /** Draws what is to be drawn in this frame. */
  frame() {
    if (this.#wantsAll && this.#isFast) this.#drawAll();
    else if (this.#wantsAll && !this.#isMoving) this.#begin();
    this.#drawAdded();
    if (this.#still) this.#showStill();
    if (this.#anew) this.#goOn();
  }

  get #isFast() {
    return this.#picture.pieces.length * this.#each < TURN;
  }

  get #isMoving() {
    return this.#still !== null && performance.now() - this.#movedAt < REST;
  }

  #draw(context, view, draw) {
    context.save();
    this.#view.apply(context, view === this.#view ? undefined : view);
    prepare(context);
    draw(context);
    context.restore();
  }

  #drawWithin(context, box) {
    for (const piece of this.#picture.pieces) if (meet(piece.box, box)) drawPiece(context, piece);
    for (const piece of this.#picture.ownPieces) if (meet(piece.box, box)) drawPiece(context, piece);
  }

  // Onto the still picture where that is what is shown.
  #drawAdded() {
    if (this.#added.length === 0 && this.#grown.size === 0) return;
    const context = this.#still ? this.#still.image.getContext('2d') : this.#context;
    this.#draw(context, this.#still?.view ?? this.#view, () => {
      for (const piece of this.#added) drawPiece(context, piece);
      for (const stroke of this.#grown) drawPiece(context, grownPiece(stroke));
    });
    this.#added = [];
    this.#grown.clear();
  }

  #showStill() {
    const { image, view } = this.#still;
    const [scale, dx, dy] = this.#view.since(view);
    this.#wipe();
    this.#context.setTransform(scale, 0, 0, scale, dx, dy);
    this.#context.drawImage(image, 0, 0);
  }

  #drawAll() {
    const begun = performance.now();
    this.#anew = this.#still = null;
    this.#wantsAll = false;
    this.#wipe();
    this.#draw(this.#context, this.#view, (context) => this.#drawWithin(context, this.#view.box));
    this.#forgetAdded();
    this.#measure(performance.now() - begun);
  }

  // Begins to draw all anew, beside what is shown.
  #begin() {
    this.#wantsAll = false;
    this.#anew = { canvas: blank(this.#canvas), next: 0, took: 0 };
  }

  #goOn() {
    const begun = performance.now();
    const { pieces } = this.#picture;
    const work = this.#anew;
    const seen = this.#view.box;
    this.#draw(work.canvas.getContext('2d'), this.#view, (context) => {
      for (; work.next < pieces.length && !(work.next % 64 === 0 && performance.now() - begun > TURN); work.next += 1) {
        if (meet(pieces[work.next].box, seen)) drawPiece(context, pieces[work.next]);
      }
      if (work.next < pieces.length) return;
      for (const piece of this.#picture.ownPieces) drawPiece(context, piece);
    });
    work.took += performance.now() - begun;
    if (work.next < pieces.length) return;
    this.#measure(work.took);
    this.#anew = this.#still = null;
    this.#forgetAdded();
    this.#wipe();
    this.#context.drawImage(work.canvas, 0, 0);
  }

  #wipe() {
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #measure(took) {
    const count = this.#picture.pieces.length;
    if (count > 100) this.#each = Math.max(0.001, took / count);
  }

  // What has been drawn with all the rest is not to be drawn once more.
  #forgetAdded() {
    this.#added = [];
    for (const stroke of this.#grown) stroke.drawn = stroke.points.length / 3;
    this.#grown.clear();
  }
}

function grownPiece(stroke) {
  const from = stroke.drawn ?? 0;
  stroke.drawn = stroke.points.length / 3;
  return { stroke, from, to: stroke.drawn, ends: stroke.isDone };
}

function blank({ width, height }) {
  return Object.assign(document.createElement('canvas'), { width, height });
}

function copyOf(canvas) {
  const copy = blank(canvas);
  copy.getContext('2d').drawImage(canvas, 0, 0);
  return copy;
}
