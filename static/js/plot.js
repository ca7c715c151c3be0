const SVG = 'http://www.w3.org/2000/svg';

/** The drawing's own measures; the stylesheet stretches it. */
const WIDTH = 300;
const HEIGHT = 60;

/**
 * A small line of numbers over time as an SVG drawing, from zero to the highest of them. `onPoint(index)` is told
 * which number the pointer is at, and null when it has gone.
 */
export class Plot {
  #line = node('polyline', { class: 'plot-line' });
  #area = node('polygon', { class: 'plot-area' });
  #cursor = node('line', { class: 'plot-cursor', y1: 0, y2: HEIGHT, visibility: 'hidden' });
  #values = [];
  element = node('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });

  constructor(onPoint = () => {}) {
    this.element.append(this.#area, this.#line, this.#cursor);
    this.element.addEventListener('pointermove', (event) => onPoint(this.#point(event)));
    this.element.addEventListener('pointerleave', () => {
      this.#cursor.setAttribute('visibility', 'hidden');
      onPoint(null);
    });
  }

  /** Draws these numbers, the latest last; `label` says to those who do not see it what there is to see. */
  update(values, label) {
    this.#values = values;
    this.element.setAttribute('aria-label', label);
    const highest = Math.max(...values, Number.MIN_VALUE);
    const points = values.map((value, index) => `${this.#x(index)},${HEIGHT - (value / highest) * (HEIGHT - 4) - 1}`);
    this.#line.setAttribute('points', points.join(' '));
    this.#area.setAttribute('points', [`0,${HEIGHT}`, ...points, `${WIDTH},${HEIGHT}`].join(' '));
  }

  #x(index) {
    return this.#values.length > 1 ? (index / (this.#values.length - 1)) * WIDTH : WIDTH;
  }

  #point({ clientX }) {
    const { left, width } = this.element.getBoundingClientRect();
    if (this.#values.length === 0 || width === 0) return null;
    const index = Math.round(((clientX - left) / width) * (this.#values.length - 1));
    const within = Math.max(0, Math.min(index, this.#values.length - 1));
    for (const end of ['x1', 'x2']) this.#cursor.setAttribute(end, this.#x(within));
    this.#cursor.setAttribute('visibility', 'visible');
    return within;
  }
}

function node(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
