import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';
import { tell } from './notice.js';
import { mark, row, rowButton, RowList } from './row-list.js';
import { pagePath } from './site.js';
import { clearTab } from './tab-storage.js';
import { ago, moment } from './when.js';

/** How browsers and systems are named in what they say of themselves; the first that fits is taken. */
const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrom', 'Chrome'], ['Safari', 'Safari']];
const SYSTEMS = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS', 'macOS'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
];

/** Where one is signed in, with the buttons that end it. */
export class SessionList {
  #list = new RowList(byId('sessions'), (session) => this.#row(session));

  constructor() {
    byId('sign-out-everywhere').addEventListener('click', () => this.#signOutEverywhere());
  }

  async load() {
    const { sessions } = await call('GET', '/api/account/sessions');
    this.#list.update([...sessions].sort((one, other) => other.current - one.current || other.seen - one.seen));
  }

  #row({ id, made, seen, address, agent, current }) {
    const device = deviceName(agent ?? '');
    return row({
      title: device,
      marks: [current && mark('this one', 'strong')],
      facts: [[address, `used ${ago(seen)}`, `since ${moment(made)}`].filter(Boolean).join(' · ')],
      actions: [!current && rowButton('Sign out', device, () => this.#end(id))],
    });
  }

  async #end(id) {
    try {
      await call('DELETE', `/api/account/sessions/${encodeURIComponent(id)}`);
      await this.load();
    } catch (error) {
      tell(error);
    }
  }

  async #signOutEverywhere() {
    const isDone = await confirm({
      question: 'Sign out everywhere?',
      consequence: 'Every browser and every app in which you are signed in is signed out, this one too.',
      action: 'Sign out everywhere',
      act: () => call('DELETE', '/api/account/sessions'),
    });
    if (!isDone) return;
    clearTab();
    location.assign(pagePath('/sign-in'));
  }
}

/** What a browser says of itself, in short: "Firefox on Linux". */
export function deviceName(agent) {
  const found = (names) => names.find(([sign]) => agent.includes(sign))?.[1];
  const [browser, system] = [found(BROWSERS), found(SYSTEMS)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (agent.slice(0, 60) || 'An unknown program');
}
