import { call } from './api.js';
import { NameDialog } from './name-dialog.js';
import { pagePath } from './site.js';

/** Who the person at this page is, and the asking for it. */
export class Session {
  #dialog = null;
  #user = null;
  #account = null;
  #wanted = takeUsername();

  /** `{id, name, guest}`, or null while nobody is signed in. */
  get user() {
    return this.#user;
  }

  /** The account as `GET /api/account` has it; null for a guest, and while nobody is signed in. */
  get account() {
    return this.#account;
  }

  /** Takes note of another name, `{id, name, guest}`, that one has by now. */
  take(user) {
    if (user.id === this.#user?.id) this.#user = user;
  }

  /** The address of the page for signing in, which leads back here. */
  get signInPath() {
    return `${pagePath('/sign-in')}?${new URLSearchParams({ next: location.pathname + location.search + location.hash })}`;
  }

  /**
   * Who is signed in, or null where nobody is. A `?username=` in the page's address is taken without asking,
   * and then from the address, so that a later change of the name survives a reload. Throws Unreachable where
   * the server cannot be reached.
   */
  async look() {
    const { user, account } = await call('GET', '/api/session').catch(nobody);
    this.#user = user;
    this.#account = account ?? null;
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted && wanted !== this.#user?.name && !this.#account) await this.#signInOrAsk(wanted);
    return this.#user;
  }

  /** Who is signed in, asking for a name where nobody is; `reason`: a sentence that says why, if there is one. */
  async require({ reason = '' } = {}) {
    if (await this.look()) return this.#user;
    if (document.body.dataset.guests === 'no') return this.goToSignIn();
    await this.#ask({ reason });
    return this.#user;
  }

  /** Leaves for the page for signing in, which leads back here. What it returns never comes, as the page ends. */
  goToSignIn() {
    location.assign(this.signInPath);
    return new Promise(() => {});
  }

  /** Asks for another name; returns whether one was taken. */
  async rename() {
    return this.#ask({ name: this.#user?.name, canCancel: true });
  }

  async signOut() {
    await call('DELETE', '/api/session');
    this.#user = null;
    this.#account = null;
  }

  #ask(question) {
    this.#dialog ??= new NameDialog((name) => this.#signIn(name));
    return this.#dialog.ask({ ...question, signInPath: this.signInPath });
  }

  async #signIn(name) {
    this.#user = (await call('POST', '/api/session', { body: { name } })).user;
    this.#account = null;
  }

  async #signInOrAsk(name) {
    try {
      await this.#signIn(name);
    } catch (error) {
      await this.#ask({ name, reason: error.reason });
    }
  }
}

function nobody(error) {
  if (error.status === 401 || error.status === 409) return { user: null };
  throw error;
}

function takeUsername() {
  const address = new URL(location.href);
  const name = address.searchParams.get('username');
  address.searchParams.delete('username');
  if (name !== null) history.replaceState(history.state, '', address);
  return name?.trim();
}
