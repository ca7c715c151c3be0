import { byId } from './dom.js';
import { pagePath } from './site.js';

/** The dialog that asks for a name. `signIn(name)` is tried with each answer; its ParleyError is shown and asked again. */
export class NameDialog {
  #signIn;
  #dialog = byId('name-dialog');
  #form = byId('name-form');
  #input = byId('name');
  #reason = byId('name-reason');
  #cancel = byId('name-cancel');
  #signInLink = byId('name-sign-in');

  constructor(signIn) {
    this.#signIn = signIn;
    this.#cancel.addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('cancel', (event) => this.#cancel.hidden && event.preventDefault());
    // A browser lets a second Esc close any dialog; without a name there is nothing behind this one.
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#cancel.hidden) event.preventDefault();
    });
  }

  /** Asks until `signIn` succeeds (then true) or, where `canCancel`, the person gives up (then false). */
  ask({ name = '', reason = '', canCancel = false, signInPath = pagePath('/sign-in') } = {}) {
    this.#signInLink.href = signInPath;
    this.#cancel.hidden = !canCancel;
    this.#reason.textContent = reason;
    this.#input.value = name;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.select();
    return new Promise((resolve) => {
      this.#form.onsubmit = (event) => this.#submit(event, resolve);
      this.#dialog.onclose = () => resolve(false);
    });
  }

  async #submit(event, resolve) {
    event.preventDefault();
    this.#reason.textContent = '';
    try {
      await this.#signIn(this.#input.value.trim());
      resolve(true);
      this.#dialog.close();
    } catch (error) {
      this.#reason.textContent = error.reason ?? String(error);
      this.#input.select();
    }
  }
}
