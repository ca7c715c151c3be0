import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';

/** The part of the account's page that says how many sign-ins elsewhere lead into the account, and takes them back. */
export class LinkedPanel {
  #count;

  constructor({ linked = [] }) {
    this.#count = linked.length;
    byId('unlink').addEventListener('click', () => this.#unlink());
    this.#show();
  }

  async #unlink() {
    const isDone = await confirm({
      question: 'Unlink the account?',
      consequence: 'From then on your password alone lets you in.',
      action: 'Unlink',
      act: () => call('DELETE', '/api/account/openid'),
    });
    if (!isDone) return;
    this.#count = 0;
    this.#show();
    byId('linked').focus();
  }

  #show() {
    byId('linked').textContent = SENTENCES[Math.min(this.#count, 2)].replace('#', this.#count);
    byId('unlink').hidden = this.#count === 0;
  }
}

const SENTENCES = [
  'It does not lead into this account yet.',
  'It leads into this account.',
  '# different sign-ins lead into this account. If one is not yours, unlink, and link your own again.',
];
