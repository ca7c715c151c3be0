import { byId } from './dom.js';

const LABELS = {
  connecting: 'Connecting…',
  online: 'Connected',
  reconnecting: 'Reconnecting',
  'signed-out': 'Signed out',
  out: 'Not in a room',
  offline: 'Not connected',
};

/** Says how the connection is doing and, while it is lost, when the next try is. `onTry` is called to try now. */
export class ConnectionPill {
  #pill = byId('connection');
  #label = byId('connection-label');
  #countdown = byId('connection-countdown');
  #try = byId('connection-try');
  #nextTry = null;
  #ticking;

  constructor(onTry) {
    this.#try.addEventListener('click', onTry);
  }

  /** Shows a Connection's state. */
  update({ name, transport, nextTry, reason }) {
    Object.assign(this.#pill.dataset, { state: name, transport });
    this.#label.textContent = reason && name !== 'signed-out' ? `${LABELS[name]}: ${reason}` : LABELS[name];
    this.#try.hidden = name !== 'reconnecting' && name !== 'offline';
    this.#nextTry = name === 'reconnecting' ? nextTry : null;
    clearInterval(this.#ticking);
    this.#tick();
    if (this.#nextTry) this.#ticking = setInterval(() => this.#tick(), 1_000);
  }

  // The seconds stand apart from the label, so that a screen reader does not count them aloud.
  #tick() {
    const seconds = this.#nextTry ? Math.ceil((this.#nextTry - performance.now()) / 1_000) : 0;
    this.#countdown.textContent = seconds > 0 ? ` in ${seconds} s` : '';
  }
}
