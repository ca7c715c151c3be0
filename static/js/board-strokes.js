/** Lengths on a board are tenths of a CSS pixel at 100 %. */
export const UNIT = 0.1;

/** The pressure of what knows none: a line is then as wide as it was chosen. */
export const EVEN = 50;

/** How wide a line is at a point, in units: from 0.4 of its width to 1.6 of it. */
export function widthAt(stroke, pressure) {
  return stroke.width * (0.4 + (1.2 * pressure) / 100);
}

/** A stroke as plain data: `points` are x, y and pressure in turn, `parts` counts the pieces that are in the log. */
export function newStroke({ user, stroke, tool, colour, width, points = [], parts = 0, isDone = false }) {
  return { user, stroke, tool, colour, width, points, parts, isDone };
}

/**
 * A piece of a stroke: its points from `from` up to `to`, as indices of points. `seq` is that of its entry. A piece that
 * `ends` has the end of its stroke as well.
 */
export function newPiece(stroke, from, to, { seq = null, ends = false } = {}) {
  return { stroke, from, to, seq, ends, box: boxOf(stroke, Math.max(0, from - 2), to) };
}

/** The rectangle `[left, top, right, bottom]` around some points of a stroke with their width, in units. */
export function boxOf({ points, width }, from, to) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = from * 3; at < to * 3; at += 3) {
    box[0] = Math.min(box[0], points[at]);
    box[1] = Math.min(box[1], points[at + 1]);
    box[2] = Math.max(box[2], points[at]);
    box[3] = Math.max(box[3], points[at + 1]);
  }
  const edge = width;
  return [box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge];
}

/** The rectangle around two, either of which may be null. */
export function around(one, other) {
  if (!one || !other) return one ?? other;
  return [
    Math.min(one[0], other[0]),
    Math.min(one[1], other[1]),
    Math.max(one[2], other[2]),
    Math.max(one[3], other[3]),
  ];
}

/** Whether two rectangles have something in common. */
export function meet(one, other) {
  return one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];
}

/**
 * The lines of a piece: each as `{x0, y0, cx, cy, x1, y1, width}`, a quadratic curve (straight where its control point
 * `cx`, `cy` is its end). A curve goes from the middle before a point to the middle after it, so it depends on its
 * neighbours alone: in however many pieces a stroke comes, the lines are the same.
 */
export function* linesOf({ stroke, from, to, ends }) {
  const { points } = stroke;
  const x = (index) => points[index * 3];
  const y = (index) => points[index * 3 + 1];
  const width = (index) => widthAt(stroke, points[index * 3 + 2]);
  const middle = (index) => [(x(index - 1) + x(index)) / 2, (y(index - 1) + y(index)) / 2];
  for (let index = from; index < to; index += 1) {
    if (index === 0) {
      yield line([x(0), y(0)], [x(0), y(0)], [x(0), y(0)], width(0));
      continue;
    }
    const start = index === 1 ? [x(0), y(0)] : middle(index - 1);
    yield line(start, [x(index - 1), y(index - 1)], middle(index), width(index));
  }
  const last = to - 1;
  if (ends && last > 0) yield line(middle(last), [x(last), y(last)], [x(last), y(last)], width(last));
}

function line([x0, y0], [cx, cy], [x1, y1], width) {
  return { x0, y0, cx, cy, x1, y1, width };
}
