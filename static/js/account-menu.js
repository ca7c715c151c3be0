import { byId } from './dom.js';
import { notice } from './notice.js';

/** The menu under one's name in the header: change it, or sign out. */
export class AccountMenu {
  #menu = byId('account');
  #session;

  constructor(session) {
    this.#session = session;
    byId('rename').addEventListener('click', () => this.#rename());
    byId('sign-out').addEventListener('click', () => this.#signOut());
    this.#menu.addEventListener('keydown', (event) => event.key === 'Escape' && this.#close());
    document.addEventListener('click', (event) => this.#menu.contains(event.target) || (this.#menu.open = false));
  }

  /** Shows who is signed in; nothing where nobody is. */
  update() {
    this.#menu.hidden = !this.#session.user;
    byId('account-name').textContent = this.#session.user?.name ?? '';
  }

  #close() {
    this.#menu.open = false;
    this.#menu.querySelector('summary').focus();
  }

  // Who one is runs through all of a page, so it starts afresh.
  async #rename() {
    this.#close();
    if (await this.#session.rename()) location.reload();
  }

  async #signOut() {
    try {
      await this.#session.signOut();
      // The open rooms and their drafts are not for whoever comes next.
      sessionStorage.clear();
      location.assign('/');
    } catch (error) {
      notice(error.reason ?? String(error));
    }
  }
}
