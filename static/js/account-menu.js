import { byId } from './dom.js';
import { tell } from './notice.js';
import { pagePath } from './site.js';
import { clearTab } from './tab-storage.js';

/** The menu under one's name in the header: to one's account, or for guests to another name; and the way out. */
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

  /** Shows who is signed in, or the way to sign in where nobody is. */
  update() {
    const { user, account, signInPath } = this.#session;
    this.#menu.hidden = !user;
    byId('sign-in-link').hidden = Boolean(user);
    byId('account-name').textContent = user?.name ?? '';
    byId('account-kind').textContent = kindOf(account, user);
    byId('rename').hidden = Boolean(account);
    byId('account-sign-in').hidden = Boolean(account);
    byId('account-link').hidden = !account;
    byId('admin-link').hidden = !account?.admin;
    for (const id of ['sign-in-link', 'account-sign-in']) byId(id).href = signInPath;
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
      clearTab();
      location.assign(pagePath('/'));
    } catch (error) {
      tell(error);
    }
  }
}

function kindOf(account, user) {
  if (!account) return 'Here as a guest';
  if (account.admin) return 'Administrator';
  return account.name === user?.name ? 'With an account' : `Account ${account.name}`;
}
