import { byId, el, setAttribute } from './dom.js';
import { Emitter } from './emitter.js';

const COLOURS = [
  ['Black', '#1b2523'],
  ['Grey', '#7c8783'],
  ['Red', '#d0342c'],
  ['Orange', '#ee8a1d'],
  ['Yellow', '#f3c623'],
  ['Green', '#2f9e44'],
  ['Teal', '#0b8a7a'],
  ['Blue', '#1c64d1'],
  ['Violet', '#7c3fc4'],
  ['Pink', '#e0489b'],
];

/** Widths of lines in CSS pixels at 100 %, and what they are called. */
const WIDTHS = [
  [2, 'Fine'],
  [4, 'Thin'],
  [8, 'Medium'],
  [16, 'Thick'],
  [40, 'Very thick'],
];

const STORE = 'parley.board';

/** The keys that do what a button does. With Ctrl: see `#shortcut`. */
const KEYS = { p: 'pen', e: 'eraser', h: 'hand', '+': 'zoom-in', '=': 'zoom-in', '-': 'zoom-out', 0: 'fit', '?': 'help' };

/**
 * The tools at the edge of the board: which one is held, its colour and width, and buttons. They outlive a reload. Emits
 * `changed`, and for the buttons `undo`, `redo`, `clear`, `zoom-in`, `zoom-out`, `fit`, `png` and `svg`.
 */
export class BoardTools extends Emitter {
  #state = { tool: 'pen', colour: COLOURS[0][1], width: 4, ...JSON.parse(localStorage.getItem(STORE) ?? '{}') };
  #colours = new Map();
  #widths = new Map();
  #custom = byId('board-custom');
  #help = byId('board-help');

  constructor() {
    super();
    for (const [name, colour] of COLOURS) this.#addColour(name, colour);
    for (const [width, name] of WIDTHS) this.#addWidth(width, name);
    this.#custom.addEventListener('input', () => this.#choose({ colour: this.#custom.value }));
    for (const button of document.querySelectorAll('[data-board]')) {
      button.addEventListener('click', () => this.#press(button.dataset.board));
    }
    byId('board-help-close').addEventListener('click', () => this.#help.close());
    document.addEventListener('keydown', (event) => this.#key(event));
    this.#show();
  }

  /** "pen", "eraser" or "hand". */
  get tool() {
    return this.#state.tool;
  }

  /** As "#rrggbb". */
  get colour() {
    return this.#state.colour;
  }

  /** In CSS pixels at 100 %. */
  get width() {
    return this.#state.width;
  }

  /** What can be done at the moment. */
  enable({ canDraw, canUndo, canRedo, canClear }) {
    const can = { pen: canDraw, eraser: canDraw, undo: canUndo, redo: canRedo, clear: canDraw && canClear };
    for (const [name, isPossible] of Object.entries(can)) byId(`board-${name}`).disabled = !isPossible;
    byId('board-clear').hidden = !canClear;
  }

  showScale(scale) {
    byId('board-scale').textContent = `${Math.round(scale * 100)} %`;
  }

  #addColour(name, colour) {
    const button = el('button', { type: 'button', class: 'board-colour', title: name, 'aria-label': name });
    button.style.setProperty('--colour', colour);
    button.addEventListener('click', () => this.#choose({ colour }));
    this.#colours.set(colour, button);
    this.#custom.parentElement.before(button);
  }

  #addWidth(width, name) {
    const dot = el('span', { class: 'board-dot', 'aria-hidden': 'true' });
    dot.style.setProperty('--size', `${Math.min(22, 3 + width * 0.5)}px`);
    const button = el('button', { type: 'button', class: 'board-tool', title: name, 'aria-label': `${name} line` }, dot);
    button.addEventListener('click', () => this.#choose({ width }));
    this.#widths.set(width, button);
    byId('board-widths').append(button);
  }

  // Whoever takes a colour wants to draw with it.
  #choose(choice) {
    const { tool } = this.#state;
    this.#state = { ...this.#state, ...choice };
    if (choice.colour && tool !== 'pen') this.#state.tool = 'pen';
    if (choice.width && tool === 'hand') this.#state.tool = 'pen';
    localStorage.setItem(STORE, JSON.stringify(this.#state));
    this.#show();
    this.emit('changed');
  }

  #press(name) {
    if (['pen', 'eraser', 'hand'].includes(name)) this.#choose({ tool: name });
    else if (name === 'help') this.#help.showModal();
    else this.emit(name);
  }

  #key(event) {
    const isTyping = event.target.closest('input:not([type="color"]), textarea, select, dialog[open]');
    if (isTyping || event.altKey) return;
    const name = event.ctrlKey || event.metaKey ? shortcut(event) : KEYS[event.key.toLowerCase()];
    const step = { '[': -1, ']': 1 }[event.key];
    if (step && !event.ctrlKey && !event.metaKey) this.#step(step);
    else if (!name || byId(`board-${name}`).disabled) return;
    else this.#press(name);
    event.preventDefault();
  }

  // The next width up or down.
  #step(step) {
    const widths = WIDTHS.map(([width]) => width);
    const next = widths[widths.indexOf(this.#state.width) + step];
    if (next) this.#choose({ width: next });
  }

  #show() {
    const { tool, colour, width } = this.#state;
    for (const name of ['pen', 'eraser', 'hand']) setAttribute(byId(`board-${name}`), 'aria-pressed', String(tool === name));
    for (const [each, button] of this.#colours) setAttribute(button, 'aria-pressed', String(colour === each));
    for (const [each, button] of this.#widths) setAttribute(button, 'aria-pressed', String(width === each));
    this.#custom.value = colour;
    setAttribute(this.#custom.parentElement, 'data-chosen', !this.#colours.has(colour));
    document.body.dataset.tool = tool;
  }
}

function shortcut({ key, shiftKey }) {
  const letter = key.toLowerCase();
  if (letter === 'z') return shiftKey ? 'redo' : 'undo';
  return letter === 'y' ? 'redo' : null;
}
