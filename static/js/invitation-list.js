import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId, el } from './dom.js';
import { roomApi } from './room-name.js';
import { row, rowButton, RowList } from './row-list.js';
import { showSecret } from './secret-box.js';
import { moment } from './when.js';

/** The links that let people into a room, and the form for a new one, shown as text and as a QR code. */
export class InvitationList {
  #path;
  #box = byId('invitation-secret');
  #list = new RowList(byId('invitations'), (one) => this.#row(one), { empty: byId('no-invitations') });

  constructor(room) {
    this.#path = `${roomApi(room)}/invitations`;
    const make = ({ hours, uses }) => this.#make({ hours: Number(hours), uses: Number(uses) });
    new ActionForm(byId('new-invitation'), make);
  }

  async load() {
    this.#list.update((await call('GET', this.#path)).invitations);
  }

  #row({ id, until, uses, by }) {
    const title = uses === 0 ? 'For as many as come' : uses === 1 ? 'For one more person' : `For ${uses} more people`;
    return row({
      title,
      facts: [`${until ? `until ${moment(until)}` : 'without end'} · by ${by.name}`],
      actions: [rowButton('Revoke', title, () => this.#revoke(id), { isGrave: true })],
    });
  }

  async #make(body) {
    const { url, qr } = await call('POST', this.#path, { body });
    showSecret(this.#box, {
      sentence: 'Pass this link on, or have it scanned. It is not shown again.',
      label: 'The invitation link',
      text: new URL(url, location.href).href,
      more: [el('img', { class: 'qr', src: `data:image/svg+xml,${encodeURIComponent(qr)}`, alt: 'QR code of the link' })],
    });
    await this.load();
  }

  async #revoke(id) {
    const isDone = await confirm({
      question: 'Revoke this link?',
      consequence: 'Nobody can come in by it any more. Whoever has come in already stays.',
      action: 'Revoke',
      act: () => call('DELETE', `${this.#path}/${encodeURIComponent(id)}`),
    });
    if (!isDone) return;
    this.#box.hidden = true;
    await this.load();
  }
}
