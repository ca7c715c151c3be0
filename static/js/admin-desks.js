import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { cannedInWords, cannedOf, hoursInWords, hoursOf } from './desk-words.js';
import { byId } from './dom.js';
import { row, rowButton, RowList } from './row-list.js';
import { showSecret } from './secret-box.js';
import { pagePath } from './site.js';

/** The support desks, and the form that makes and changes them. */
export class AdminDesks {
  #list = new RowList(byId('desks'), (desk) => this.#row(desk), { empty: byId('no-desks') });
  #people = new Map();
  #form = new ActionForm(byId('desk-form'), (fields) => save(fields, this.#people), {
    done: 'Saved. It holds at once.',
    then: (desk) => this.#saved(desk),
  });

  constructor() {
    byId('new-desk').addEventListener('click', () => this.#edit(null));
    byId('desk-form').elements.zone.value = ownZone();
  }

  async start() {
    const { desks } = await call('GET', '/api/desks');
    this.#list.update(desks.map((desk) => ({ ...desk, id: desk.name })));
  }

  stop() {}

  #row({ name, title }) {
    return row({
      title,
      facts: [name],
      actions: [
        rowButton('Change', title, async () => this.#edit(await call('GET', `/api/desks/${name}/settings`))),
        rowButton('Script', title, () => showScript(name)),
        rowButton('Delete', title, () => this.#delete(name, title), { isGrave: true }),
      ],
    });
  }

  // A desk's name stands in the pages of others, so it stays.
  #edit(desk) {
    this.#form.reset();
    this.#people = new Map(desk?.people.map((person) => [person.name, person.id]));
    const { name } = byId('desk-form').elements;
    name.readOnly = Boolean(desk);
    if (desk) this.#form.fill({ ...desk, ...inWords(desk) });
    else byId('desk-form').elements.zone.value = ownZone();
    byId('desk-form').hidden = false;
    (desk ? byId('desk-form').elements.title : name).focus();
  }

  async #saved({ name }) {
    byId('desk-form').elements.name.readOnly = true;
    showScript(name);
    await this.start();
  }

  async #delete(name, title) {
    const isDone = await confirm({
      question: `Delete the desk ${title}?`,
      consequence: 'All its conversations are gone for ever. Where its script still stands it shows nothing any more.',
      action: 'Delete the desk',
      isGrave: true,
      act: () => call('DELETE', `/api/desks/${name}`),
    });
    if (!isDone) return;
    byId('desk-form').hidden = true;
    byId('desk-script').hidden = true;
    await this.start();
  }
}

function inWords({ people, hours, canned, days }) {
  return {
    agents: people.map(({ name }) => name).join(', '),
    hours: hoursInWords(hours),
    canned: cannedInWords(canned),
    days: String(days),
  };
}

// `people`: ids by the names that others see, which may be other ones than those of the accounts.
function save({ name, agents, hours, canned, days, ...texts }, people) {
  const names = agents.split(',').map((agent) => agent.trim()).filter(Boolean);
  const body = {
    ...texts,
    agents: names.map((agent) => people.get(agent) ?? agent),
    hours: hoursOf(hours),
    canned: cannedOf(canned),
    days: Number(days),
  };
  return call('PUT', `/api/desks/${encodeURIComponent(name)}/settings`, { body });
}

function showScript(name) {
  const address = new URL(pagePath('/widget.js'), location.href);
  showSecret(byId('desk-script'), {
    sentence: 'Put this into the pages of your site, whose origin stands in --embed-origins:',
    label: 'Script',
    text: `<script src="${address}" data-desk="${name}" async></script>`,
  });
}

function ownZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';
}
