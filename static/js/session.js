import { call } from './api.js';
import { NameDialog } from './name-dialog.js';

/** Who the person at this page is, and the asking for it. */
export class Session {
  #dialog = new NameDialog((name) => this.#signIn(name));
  #user = null;
  #wanted = takeUsername();

  /** `{id, name}`, or null while nobody is signed in. */
  get user() {
    return this.#user;
  }

  /**
   * Who is signed in, or null where nobody is. A `?username=` in the page's address is taken without asking,
   * and then from the address, so that a later change of the name survives a reload. Throws ApiError where
   * the server cannot be reached.
   */
  async look() {
    this.#user = await call('GET', '/api/session').then(({ user }) => user, nobody);
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted && wanted !== this.#user?.name) await this.#signInOrAsk(wanted);
    return this.#user;
  }

  /** Who is signed in, asking for a name where nobody is; `reason`: a sentence that says why, if there is one. */
  async require({ reason = '' } = {}) {
    if (!(await this.look())) await this.#dialog.ask({ reason });
    return this.#user;
  }

  /** Asks for another name; returns whether one was taken. */
  async rename() {
    return this.#dialog.ask({ name: this.#user?.name, canCancel: true });
  }

  async signOut() {
    await call('DELETE', '/api/session');
    this.#user = null;
  }

  async #signIn(name) {
    this.#user = (await call('POST', '/api/session', { body: { name } })).user;
  }

  async #signInOrAsk(name) {
    try {
      await this.#signIn(name);
    } catch (error) {
      await this.#dialog.ask({ name, reason: error.reason });
    }
  }
}

function nobody(error) {
  if (error.status === 401 || error.status === 409) return null;
  throw error;
}

function takeUsername() {
  const address = new URL(location.href);
  const name = address.searchParams.get('username');
  address.searchParams.delete('username');
  if (name !== null) history.replaceState(history.state, '', address);
  return name?.trim();
}
