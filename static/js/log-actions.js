import { byId } from './dom.js';
import { Emitter } from './emitter.js';
import { emojiPicker } from './reaction-chips.js';

/** The buttons that name what they do in their first class, and need no more than the message's number. */
const SEQ_ACTIONS = new Set(['edit', 'delete', 'profile', 'report', 'remove']);

/**
 * What can be done to the messages of the log, by pointer or keyboard. Emits `edit` and `delete` (the
 * message's `seq`), `react` (`{seq, emoji, on}`), `retry` and `discard` (the key of an unsent message),
 * `older` and `fill` (`[from, to]` of a gap), and of others' messages `profile`, `report` and `remove` (the `seq`).
 * Arrow keys, Home and End go from message to message.
 */
export class LogActions extends Emitter {
  #log = byId('log');
  #picker = emojiPicker();

  constructor() {
    super();
    this.#log.addEventListener('click', (event) => this.#click(event.target.closest('button, .name, .sign')));
    this.#log.addEventListener('keydown', (event) => this.#key(event));
  }

  #click(button) {
    if (!button) return;
    const { seq, key } = button.closest('.message')?.dataset ?? {};
    const is = (name) => button.classList.contains(name);
    if (SEQ_ACTIONS.has(button.classList[0])) this.emit(button.classList[0], Number(seq));
    else if ((is('name') || is('sign')) && seq) this.emit('profile', Number(seq));
    else if (is('retry') || is('discard')) this.emit(button.classList[0], key);
    else if (is('react')) this.#togglePicker(button);
    else if (is('reaction')) this.#react(seq, button, button.getAttribute('aria-pressed') !== 'true');
    else if (is('emoji-choice')) this.#react(seq, button, true);
    else if (is('load-older')) this.emit('older');
    else if (is('load-gap')) this.#fill(button.parentElement.dataset);
  }

  #fill({ from, to }) {
    this.emit('fill', [Number(from), Number(to)]);
  }

  #react(seq, { dataset: { emoji } }, on) {
    this.#closePicker();
    this.emit('react', { seq: Number(seq), emoji, on });
  }

  #togglePicker(button) {
    const isHere = this.#picker.previousElementSibling === button;
    this.#closePicker();
    if (isHere) return;
    button.after(this.#picker);
    this.#picker.firstElementChild.focus();
  }

  #closePicker() {
    // First the focus, then the picker: a message without the focus in it hides its actions, which then cannot take it.
    if (this.#picker.contains(document.activeElement)) this.#picker.previousElementSibling.focus();
    this.#picker.remove();
  }

  #key(event) {
    if (event.key === 'Escape') this.#closePicker();
    const isInButton = event.target.closest('button, a');
    const message = this.#neighbour(event.key);
    if (!message || isInButton) return;
    event.preventDefault();
    message.focus();
    message.scrollIntoView({ block: 'nearest' });
  }

  #neighbour(key) {
    const messages = [...this.#log.querySelectorAll('.message')];
    const here = messages.indexOf(document.activeElement.closest('.message'));
    if (key === 'ArrowUp') return here === -1 ? messages.at(-1) : messages[here - 1];
    if (key === 'ArrowDown') return here === -1 ? undefined : messages[here + 1];
    if (key === 'Home') return messages[0];
    return key === 'End' ? messages.at(-1) : undefined;
  }
}
