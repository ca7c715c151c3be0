import { UNIT } from './board-strokes.js';
import { Emitter } from './emitter.js';

/** How far one can zoom. */
const LEAST = 0.05;
const MOST = 20;

/** The space left around a picture that is fitted into the view, in CSS pixels. */
const MARGIN = 40;

/**
 * Which part of the board is seen, and how large: `scale` is 1 at 100 %, `x` and `y` are the place of the board's middle
 * in CSS pixels. Emits `moved` (what it was before).
 */
export class BoardView extends Emitter {
  #state = { scale: 1, x: 0, y: 0 };
  #size = { width: 0, height: 0, ratio: 1 };

  get scale() {
    return this.#state.scale;
  }

  /** Whether it is known how large the window is. */
  get hasSize() {
    return this.#size.width > 0;
  }

  /** What is seen of the board, in its units. */
  get box() {
    const [left, top] = this.toBoard(0, 0);
    const [right, bottom] = this.toBoard(this.#size.width, this.#size.height);
    return [left, top, right, bottom];
  }

  /** The window has another size, in CSS pixels; `ratio` are the device's pixels in one. What is in its middle stays. */
  resize(width, height, ratio) {
    const { x, y } = this.#state;
    const before = this.#size;
    this.#size = { width, height, ratio };
    this.#state = { ...this.#state, x: x + (width - before.width) / 2, y: y + (height - before.height) / 2 };
  }

  /** The place on the board, in units, under a place in the window. */
  toBoard(x, y) {
    const { scale, x: left, y: top } = this.#state;
    return [(x - left) / scale / UNIT, (y - top) / scale / UNIT];
  }

  /** The place in the window of a place on the board. */
  toWindow(x, y) {
    const { scale, x: left, y: top } = this.#state;
    return [x * UNIT * scale + left, y * UNIT * scale + top];
  }

  /** Lets a canvas draw in the board's units, as it is seen now or was in another `state`. */
  apply(context, state = this.#state) {
    const { scale, x, y } = state;
    const { ratio } = this.#size;
    context.setTransform(scale * UNIT * ratio, 0, 0, scale * UNIT * ratio, x * ratio, y * ratio);
  }

  /** How what was drawn in another view is to be scaled and shifted, `[scale, dx, dy]`, in the device's pixels. */
  since({ scale, x, y }) {
    const factor = this.#state.scale / scale;
    const { ratio } = this.#size;
    return [factor, (this.#state.x - x * factor) * ratio, (this.#state.y - y * factor) * ratio];
  }

  pan(dx, dy) {
    this.#move({ ...this.#state, x: this.#state.x + dx, y: this.#state.y + dy });
  }

  /** Zooms by a factor; the place in the window that is given stays where it is, without one its middle. */
  zoom(factor, atX = this.#size.width / 2, atY = this.#size.height / 2) {
    const { scale, x, y } = this.#state;
    const wanted = Math.min(MOST, Math.max(LEAST, scale * factor));
    const by = wanted / scale;
    this.#move({ scale: wanted, x: atX - (atX - x) * by, y: atY - (atY - y) * by });
  }

  /** Shows all of a rectangle; of none the middle of the board. */
  fit(box) {
    const { width, height } = this.#size;
    if (!box) {
      this.#move({ scale: 1, x: width / 2, y: height / 2 });
      return;
    }
    const [left, top, right, bottom] = box.map((length) => length * UNIT);
    const room = Math.min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top));
    const scale = Math.min(2, Math.max(LEAST, room));
    this.#move({
      scale,
      x: width / 2 - ((left + right) / 2) * scale,
      y: height / 2 - ((top + bottom) / 2) * scale,
    });
  }

  #move(state) {
    const before = this.#state;
    this.#state = state;
    this.emit('moved', before);
  }
}
