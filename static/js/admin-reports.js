import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId, el } from './dom.js';
import { notice, tell } from './notice.js';
import { PagedList } from './paged-list.js';
import { roomApi, roomPath } from './room-name.js';
import { row, rowButton } from './row-list.js';
import { moment } from './when.js';

const REPORTS = '/api/admin/reports';

/** The messages that people have reported, and the closing of a report. */
export class AdminReports {
  #choice = byId('reports-state');
  #list = new PagedList({
    list: byId('reports'),
    make: (report) => this.#row(report),
    empty: byId('no-reports'),
    more: byId('more-reports'),
    fetch: (last) => this.#fetch(last),
  });

  constructor() {
    this.#choice.addEventListener('change', () => this.start().catch(tell));
  }

  async start() {
    await this.#list.load();
  }

  stop() {}

  async #fetch(last) {
    const state = this.#choice.querySelector(':checked').value;
    const { reports, more } = await call('GET', REPORTS, { query: { state, ...(last && { before: last.id }) } });
    return { items: reports, more };
  }

  #row({ id, at, by, room, seq, reason, text, author, closed }) {
    return row({
      title: [author.name, ' in ', el('a', { href: roomPath(room) }, room)],
      quote: text ?? '',
      facts: [
        `Reported by ${by.name}, ${moment(at)}: ${reason}`,
        closed && [`Closed by ${closed.by.name}, ${moment(closed.at)}`, closed.note].filter(Boolean).join(': '),
      ],
      actions: closed
        ? []
        : [
            rowButton('Remove the message', author.name, () => this.#remove(room, seq), { isGrave: true }),
            rowButton('Close the report', author.name, () => this.#close(id)),
          ],
    });
  }

  async #remove(room, seq) {
    const isDone = await confirm({
      question: 'Remove this message for everybody?',
      consequence: 'Its text leaves the store. The report stays open until you close it.',
      action: 'Remove the message',
      isGrave: true,
      asksReason: 'optional',
      act: ({ reason }) =>
        call('POST', `${roomApi(room)}/moderation`, { body: { act: 'remove', seq, ...(reason && { reason }) } }),
    });
    if (isDone) notice('The message is removed.');
  }

  async #close(id) {
    const isDone = await confirm({
      question: 'Close this report?',
      consequence: 'It stays among the closed ones, without the message. The message itself stays in its room.',
      action: 'Close the report',
      asksReason: 'optional',
      act: ({ reason: words }) =>
        call('POST', `${REPORTS}/${encodeURIComponent(id)}`, { body: { state: 'closed', ...(words && { note: words }) } }),
    });
    if (isDone) await this.start().catch(tell);
  }
}
