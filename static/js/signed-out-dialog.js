import { byId } from './dom.js';

/** Says that one is signed out, and leads on. There is nothing behind it to go back to, so it cannot be closed. */
export class SignedOutDialog {
  #dialog = byId('signed-out');
  #session;

  constructor(session) {
    this.#session = session;
    this.#dialog.addEventListener('cancel', (event) => event.preventDefault());
    this.#dialog.addEventListener('keydown', (event) => event.key === 'Escape' && event.preventDefault());
  }

  /** `reason`: the server's sentence, if it gave one. */
  show(reason) {
    // The heading has said so already.
    byId('signed-out-reason').textContent = reason === 'You have been signed out.' ? '' : (reason ?? '');
    byId('signed-out-sign-in').href = this.#session.signInPath;
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}
