import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';
import { mark, row, rowButton, RowList } from './row-list.js';
import { showSecret } from './secret-box.js';
import { ago, moment } from './when.js';

const TOKENS = '/api/account/tokens';

/** The tokens with which programs come in one's stead, and the form for a new one. */
export class TokenList {
  #list = new RowList(byId('tokens'), (token) => this.#row(token), { empty: byId('no-tokens') });
  #box = byId('new-token-secret');
  #form;

  constructor() {
    this.#form = new ActionForm(byId('new-token'), (values) => this.#make(values));
  }

  async load() {
    this.#list.update((await call('GET', TOKENS)).tokens);
  }

  #row({ id, name, rooms, write, seen, until }) {
    const isOver = until && until < Date.now();
    return row({
      title: name,
      marks: [!write && mark('reads only'), isOver && mark('over', 'grave')],
      facts: [
        rooms.length ? `In ${rooms.join(', ')}` : 'In all rooms',
        `${seen ? `used ${ago(seen)}` : 'not used yet'} · valid until ${moment(until)}`,
      ],
      actions: [rowButton('Revoke', name, () => this.#revoke(id, name), { isGrave: true })],
    });
  }

  async #make({ name, rooms, write, days }) {
    const body = { name, rooms: rooms.split(/[\s,]+/u).filter(Boolean), write, days: Number(days) };
    const { token } = await call('POST', TOKENS, { body });
    this.#form.reset();
    showSecret(this.#box, {
      sentence: 'Take the token along now: it is not shown again.',
      label: `The token ${name}`,
      text: token,
    });
    await this.load();
  }

  async #revoke(id, name) {
    const isDone = await confirm({
      question: `Revoke the token “${name}”?`,
      consequence: 'The program that uses it is put out at once.',
      action: 'Revoke',
      isGrave: true,
      act: () => call('DELETE', `${TOKENS}/${encodeURIComponent(id)}`),
    });
    if (!isDone) return;
    this.#box.hidden = true;
    await this.load();
  }
}
