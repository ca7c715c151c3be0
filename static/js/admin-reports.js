import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId, el } from './dom.js';
import { tell } from './notice.js';
import { roomPath } from './room-name.js';
import { row, rowButton, RowList } from './row-list.js';
import { moment } from './when.js';

/** The messages that people have reported, and the closing of a report. */
export class AdminReports {
  #choice = byId('reports-state');
  #list = new RowList(byId('reports'), (report) => this.#row(report), { empty: byId('no-reports') });

  constructor() {
    this.#choice.addEventListener('change', () => this.start().catch(tell));
  }

  async start() {
    const state = this.#choice.querySelector(':checked').value;
    const { reports } = await call('GET', '/api/admin/reports', { query: { state } });
    this.#list.update(reports);
  }

  stop() {}

  #row(report) {
    const { id, at, by, room, reason, text, author, state, note } = report;
    return row({
      title: [author?.name ?? 'Somebody', ' in ', el('a', { href: roomPath(room) }, room)],
      quote: text || 'The message is not there any more.',
      facts: [`${by?.name ?? 'Somebody'}: ${reason}`, moment(at), note && `Closed with: ${note}`],
      actions: [state === 'open' && rowButton('Close the report', author?.name ?? 'a message', () => this.#close(id))],
    });
  }

  async #close(id) {
    const isDone = await confirm({
      question: 'Close this report?',
      consequence: 'It is kept among the closed ones. What is to be done about it is done in the room, or under People.',
      action: 'Close',
      asksReason: 'optional',
      act: ({ reason }) =>
        call('POST', `/api/admin/reports/${encodeURIComponent(id)}`, { body: { state: 'closed', ...(reason && { note: reason }) } }),
    });
    if (isDone) await this.start();
  }
}
