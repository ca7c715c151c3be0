import { call } from './api.js';
import { byId, el } from './dom.js';
import { Plot } from './plot.js';

/** How often the figures are asked for, in milliseconds: as often as the server has new ones. */
const EVERY = 5_000;

/** So many seconds lie between two numbers of a line. */
const STEP = EVERY / 1_000;

/** What is shown, in this order: its name in the answer, what it is called, and its unit. */
const FIGURES = [
  ['people', 'People here', ''],
  ['clients', 'Connections', ''],
  ['rooms', 'Rooms awake', ''],
  ['entries', 'Messages and changes', 'a second'],
  ['commit_ms', 'To store a message', 'ms'],
  ['lag_ms', 'Delay of the event loop', 'ms'],
  ['backlog', 'Waiting to be sent', 'bytes'],
  ['refused', 'Refused as too much', 'a second'],
];

const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** How the server is doing, as figures with the line of the last minutes. */
export class AdminFigures {
  #tiles = new Map();
  #timer;

  /** Shows the figures, and goes on until `stop`. */
  async start() {
    this.stop();
    this.#timer = setInterval(() => document.hidden || this.#load().catch(() => {}), EVERY);
    await this.#load();
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #load() {
    const { now, series } = await call('GET', '/api/admin/figures');
    for (const [key, label, unit] of FIGURES) {
      if (now[key] === undefined) continue;
      if (!this.#tiles.has(key)) this.#add(key, new Tile(label, unit));
      this.#tiles.get(key).update(now[key], numbersOf(now[key], key, series));
    }
  }

  #add(key, tile) {
    this.#tiles.set(key, tile);
    byId('figures').append(tile.element);
  }
}

// A figure of several parts has a series for each of them.
function numbersOf(now, key, series) {
  if (typeof now !== 'object') return series[key] ?? [];
  const parts = Object.keys(now).map((part) => series[part] ?? []);
  return parts[0].map((_, index) => parts.reduce((sum, numbers) => sum + numbers[index], 0));
}

class Tile {
  #label;
  #unit;
  #value = el('span', { class: 'figure-value' });
  #note = el('span', { class: 'figure-note' });
  #plot = new Plot((index) => this.#point(index));
  #numbers = [];
  #standing = '';

  constructor(label, unit) {
    this.#label = label;
    this.#unit = unit;
    const head = el('div', { class: 'figure-head' }, this.#value, this.#note);
    this.element = el('li', { class: 'figure' }, el('h3', { class: 'figure-label' }, label), head, this.#plot.element);
  }

  update(now, numbers) {
    const parts = typeof now === 'object' ? Object.entries(now) : [];
    const total = parts.length ? parts.reduce((sum, [, count]) => sum + count, 0) : now;
    this.#numbers = numbers;
    this.#value.textContent = this.#said(total);
    this.#standing = parts.map(([name, count]) => `${count} ${name}`).join(' · ');
    this.#note.textContent = this.#standing;
    this.#plot.update(numbers, `${this.#label} in the last five minutes: now ${this.#said(total)}${this.#range()}`);
  }

  #range() {
    if (this.#numbers.length === 0) return '';
    const [lowest, highest] = [Math.min(...this.#numbers), Math.max(...this.#numbers)].map((number) => this.#said(number));
    return `, lowest ${lowest}, highest ${highest}`;
  }

  #said(number) {
    return `${NUMBER.format(number)} ${this.#unit}`.trim();
  }

  #point(index) {
    const seconds = (this.#numbers.length - 1 - index) * STEP;
    const when = seconds === 0 ? 'now' : `${seconds} s ago`;
    this.#note.textContent = index === null ? this.#standing : `${when}: ${this.#said(this.#numbers[index])}`;
  }
}
