import { byId, el } from './dom.js';
import { roomPath } from './room-name.js';

const REASONS = {
  next: 'name has gone on to somebody else.',
  left: 'name has left.',
  lost: 'name has lost the connection and did not come back.',
  away: 'The connection was away for too long: name is gone.',
};

/** Shows how it is with this page and its partner: which of its parts are there, and the sentence that says it. */
export class PairView {
  #main = byId('pair');
  #status = byId('pair-status');
  #pairing;
  #session;

  constructor(pairing, session) {
    this.#pairing = pairing;
    this.#session = session;
    this.update();
  }

  update() {
    const { phase, kept, room } = this.#pairing;
    const isNews = this.#main.dataset.phase !== phase;
    this.#main.dataset.phase = phase;
    for (const part of this.#main.querySelectorAll('[data-in]')) part.hidden = !part.dataset.in.split(' ').includes(phase);
    byId('composer-area').hidden = phase !== 'talking';
    byId('pair-keep').setAttribute('aria-pressed', String(kept.by.includes(this.#session.user.id)));
    byId('pair-kept').hidden = !kept.stored;
    if (room) byId('pair-kept').href = roomPath(room);
    this.#say(this.#sentences());
    if (phase !== 'talking' && phase !== 'over') document.title = `${this.#titles[phase]} · Parley`;
    if (isNews) this.#moveFocus();
  }

  /** Adds something for a moment, until there is other news. */
  hint(sentence) {
    this.#say([...this.#sentences(), sentence]);
  }

  #titles = { start: 'Meet somebody', asking: 'Looking for somebody', waiting: 'Looking for somebody' };

  // The same again is not said again.
  #say(parts) {
    const line = el('p', {}, ...parts.filter(Boolean).flatMap((part) => [' ', part]).slice(1));
    if (this.#status.textContent !== line.textContent) this.#status.replaceChildren(...line.childNodes);
  }

  #sentences() {
    const { phase, position } = this.#pairing;
    if (phase === 'asking') return [this.#why(), 'Looking for somebody…'];
    if (phase === 'waiting') return [this.#why(), `You are number ${position} in the queue.`];
    if (phase === 'over') return [this.#why()];
    return phase === 'talking' ? this.#talking() : [];
  }

  #why() {
    const { reason, partner } = this.#pairing;
    return reason ? REASONS[reason].replace('name', () => partner.name) : '';
  }

  #talking() {
    const { kept, partner, room } = this.#pairing;
    const mine = kept.by.includes(this.#session.user.id);
    const theirs = kept.by.includes(partner.id);
    if (kept.stored) return ['You both keep this conversation.', el('a', { href: roomPath(room) }, 'Its own page')];
    if (mine) return [`You wish to keep this conversation. It is kept once ${partner.name} wishes so, too.`];
    if (theirs) return [`${partner.name} wishes to keep this conversation: press Keep if you do, too.`];
    return [`You are talking with ${partner.name}. Say hello!`];
  }

  // Whoever had the focus in a part that is gone goes on where the page does.
  #moveFocus() {
    const here = document.activeElement;
    if (here && here !== document.body && here.checkVisibility()) return;
    const { phase } = this.#pairing;
    if (phase === 'waiting' || phase === 'asking') byId('pair-cancel').focus();
    else if (phase === 'over') byId('pair-over').focus();
    else if (phase === 'start') this.#main.focus();
  }
}
