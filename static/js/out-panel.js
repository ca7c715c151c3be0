import { byId } from './dom.js';
import { Emitter } from './emitter.js';

/** Stands in the place of a room that one is not, or no longer, in, and says what can be done. Emits `again`. */
export class OutPanel extends Emitter {
  #panel = byId('out');
  #session;

  constructor(session) {
    super();
    this.#session = session;
    byId('out-again').addEventListener('click', () => this.emit('again'));
  }

  /** Shows how it is with a room: whether one is out of it. */
  update({ out, title, hasArrived }) {
    const isNews = Boolean(out) && this.#panel.hidden;
    this.#panel.hidden = !out;
    byId('log').hidden = Boolean(out);
    byId('composer-area').hidden = Boolean(out);
    if (!out) return;
    byId('out-title').textContent = hasArrived ? `You are out of ${title}` : titleFor(out.code);
    byId('out-reason').textContent = out.reason;
    byId('out-hint').textContent = hintFor(out.code, this.#session.user);
    byId('out-sign-in').hidden = !this.#session.user?.guest;
    byId('out-sign-in').href = this.#session.signInPath;
    if (isNews) this.#panel.focus();
  }
}

function titleFor(code) {
  return code === 'not_found' ? 'There is no such room here' : 'This room cannot be opened';
}

function hintFor(code, user) {
  if (code === 'forbidden') return 'If you think that this is a mistake, ask its moderators or an administrator.';
  if (code !== 'not_found') return '';
  if (user?.guest) return 'It may be for members only: if you are one, sign in. If you have an invitation, open its link.';
  return 'It may be for members only: if you have an invitation, open its link.';
}
