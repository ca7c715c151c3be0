import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { byId } from './dom.js';
import { tell } from './notice.js';
import { row, rowButton, RowList } from './row-list.js';
import { moment } from './when.js';

const ADDRESSES = '/api/admin/addresses';

/** The ranges of addresses from which nobody gets in, and the form for another one. */
export class AdminAddresses {
  #list = new RowList(byId('addresses'), (ban) => this.#row(ban), { empty: byId('no-addresses') });

  constructor() {
    const add = ({ seconds, ...fields }) => call('POST', ADDRESSES, { body: { ...fields, seconds: Number(seconds) } });
    const form = new ActionForm(byId('new-address'), add, {
      then: () => {
        form.fill({ range: '', reason: '' });
        return this.start();
      },
    });
  }

  async start() {
    const { addresses } = await call('GET', ADDRESSES);
    this.#list.update(addresses.map((ban) => ({ ...ban, id: ban.range })));
  }

  stop() {}

  #row({ range, until, reason, by }) {
    return row({
      title: range,
      facts: [`${until ? `until ${moment(until)}` : 'without end'} · by ${by.name}`, reason],
      actions: [rowButton('Lift the ban', range, () => this.#lift(range))],
    });
  }

  async #lift(range) {
    try {
      await call('DELETE', `${ADDRESSES}/${encodeURIComponent(range)}`);
      await this.start();
    } catch (error) {
      tell(error);
    }
  }
}
