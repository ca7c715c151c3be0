import { byId, el } from './dom.js';

/** The line above the box to write in that says how writing is restricted in the room. */
export class ComposerNotice {
  #line = byId('composer-notice');
  #rules;
  #session;

  constructor(rules, session) {
    this.#rules = rules;
    this.#session = session;
  }

  /** Shows what holds in a room; returns why one cannot write there, or "". */
  update(room) {
    const reason = this.#rules.whyNot(room);
    const sentence = reason || slowMode(room.rules);
    this.#line.hidden = sentence === '';
    if (this.#line.firstChild?.data === sentence) return reason;
    this.#line.replaceChildren(sentence);
    const { user, signInPath } = this.#session;
    if (reason.startsWith('Guests') && user.guest) this.#line.append(' ', el('a', { href: signInPath }, 'Sign in'));
    return reason;
  }
}

function slowMode(rules) {
  if (!rules?.slow || rules.rights.moderate) return '';
  return rules.slow === 1 ? 'Slow mode: one message a second.' : `Slow mode: one message every ${rules.slow} seconds.`;
}
