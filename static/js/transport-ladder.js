import { PollTransport } from './poll-transport.js';
import { SocketTransport } from './socket-transport.js';
import { StreamTransport } from './stream-transport.js';

/** The ways to the server, the best first. */
const RUNGS = [SocketTransport, StreamTransport, PollTransport];

/** So many failures in a row mean that a way is blocked, and not merely unlucky. */
const PATIENCE = 2;

/** A way that has worked in this page is given more time: more likely the network is moving than blocked. */
const PATIENCE_AFTER_SUCCESS = 4;

/** After so long on a lesser way the best one is tried again, in milliseconds. */
export const CLIMB_AFTER = 5 * 60_000;

/** Which way to take to a site: the best that is open, or the one that `forced` names ("ws", "stream", "poll"). */
export class TransportLadder {
  #rungs;
  #rung = 0;
  #failures = 0;
  #patience = PATIENCE;
  #worked = new Set();

  constructor(forced, site) {
    const named = RUNGS.filter((rung) => rung.title === forced);
    this.#rungs = (named.length ? named : RUNGS).filter((rung) => rung !== SocketTransport || site.hasSockets);
    if (this.#rungs.length === 0) throw new Error('No WebSocket can be opened from here, and no other way is allowed.');
  }

  /** The class of the transport to take now. */
  get current() {
    return this.#rungs[this.#rung];
  }

  /** Whether there is a better way than the one taken now. */
  get canClimb() {
    return this.#rung > 0;
  }

  /** Says that the way taken now works. */
  succeeded() {
    this.#failures = 0;
    this.#patience = PATIENCE;
    this.#worked.add(this.current);
  }

  /** Says that the way taken now did not open although the server is there; steps down after some of these. */
  failed() {
    this.#failures += 1;
    const patience = this.#worked.has(this.current) ? PATIENCE_AFTER_SUCCESS : this.#patience;
    if (this.#failures < patience || this.#rung === this.#rungs.length - 1) return;
    this.#rung += 1;
    this.#failures = 0;
  }

  /** Goes back to the best way; one failure of each is now enough to step down again. */
  climb() {
    this.#rung = 0;
    this.#failures = 0;
    this.#patience = 1;
    this.#worked.clear();
  }
}
