import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';
import { notice, tell } from './notice.js';
import { PagedList } from './paged-list.js';
import { mark, row, rowButton } from './row-list.js';
import { SearchBox } from './search-box.js';
import { ago, moment } from './when.js';

const PEOPLE = '/api/admin/people';

/** What is asked before each act, and said after it; `name` stands for theirs. */
const ACTS = {
  ban: {
    question: 'Ban name from this server?',
    consequence: 'They are signed out everywhere at once, and cannot sign in until the time is over.',
    action: 'Ban',
    isGrave: true,
    asksDuration: true,
    asksReason: 'optional',
    done: 'name is banned.',
  },
  unban: { question: 'Lift the ban of name?', action: 'Lift the ban', done: 'name can sign in again.' },
  sign_out: {
    question: 'Sign name out everywhere?',
    consequence: 'All their browsers and programs are signed out. With the password they can sign in again.',
    action: 'Sign out',
    done: 'name is signed out.',
  },
  make_admin: {
    question: 'Make name an administrator?',
    consequence: 'They can do all that you can do here, and make others administrators.',
    action: 'Make administrator',
    done: 'name is an administrator.',
  },
  unmake_admin: {
    question: 'Shall name be no administrator any more?',
    action: 'Unmake administrator',
    asksReason: 'optional',
    done: 'name is no administrator any more.',
  },
  delete: {
    question: 'Delete the account of name for ever?',
    consequence: 'Their name is free for others. What they have written stays, as from a “deleted account”.',
    action: 'Delete the account',
    isGrave: true,
    asksReason: 'optional',
    done: 'The account of name is deleted.',
  },
};

/** The accounts of the server, to be found by name, and what administrators can do with them. */
export class AdminPeople {
  #session;
  #search = new SearchBox(byId('find-people'), () => this.start());
  #list = new PagedList({
    list: byId('people'),
    make: (person) => this.#row(person),
    empty: byId('no-people'),
    more: byId('more-people'),
    fetch: (last) => this.#fetch(last),
  });

  constructor(session) {
    this.#session = session;
  }

  async start() {
    await this.#list.load();
  }

  stop() {}

  async #fetch(last) {
    const query = { ...(this.#search.text && { find: this.#search.text }), ...(last && { after: last.name }) };
    const { people, more } = await call('GET', PEOPLE, { query });
    return { items: people, more };
  }

  #row(person) {
    const { name, display, email, admin, made, seen, banned } = person;
    const isMe = person.id === this.#session.account.id;
    return row({
      title: display && display !== name ? `${display} (${name})` : name,
      marks: [
        isMe && mark('you', 'strong'),
        admin && mark('administrator', 'strong'),
        banned && mark('banned', 'grave'),
      ],
      facts: [
        [email, seen ? `here ${ago(seen)}` : 'not here yet', `since ${moment(made)}`].filter(Boolean).join(' · '),
        banned && banInWords(banned),
      ],
      actions: isMe ? [] : this.#actions(person),
    });
  }

  // An administrator is neither banned nor deleted before that is taken from them.
  #actions(person) {
    const button = (act, label, options) => rowButton(label, person.name, () => this.#act(act, person), options);
    if (person.admin) return [button('sign_out', 'Sign out'), button('unmake_admin', 'Unmake administrator')];
    return [
      button('sign_out', 'Sign out'),
      button('make_admin', 'Make administrator'),
      person.banned ? button('unban', 'Lift the ban') : button('ban', 'Ban', { isGrave: true }),
      button('delete', 'Delete', { isGrave: true }),
    ];
  }

  async #act(act, { id, name }) {
    const { done, question, ...texts } = ACTS[act];
    const isDone = await confirm({
      ...texts,
      question: question.replace('name', () => name),
      act: ({ seconds, reason }) =>
        call('POST', `${PEOPLE}/${encodeURIComponent(id)}`, {
          body: { act, ...(texts.asksDuration && { seconds }), ...(reason && { reason }) },
        }),
    });
    if (!isDone) return;
    notice(done.replace('name', () => name));
    await this.start().catch(tell);
  }
}

function banInWords({ until, reason }) {
  const time = until ? `Banned until ${moment(until)}` : 'Banned without end';
  return reason ? `${time}: ${reason}` : time;
}
