import { AccountMenu } from './account-menu.js';
import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId } from './dom.js';
import { LinkedPanel } from './linked-panel.js';
import { revealButtons } from './password-box.js';
import { ProfileForm } from './profile-form.js';
import { Session } from './session.js';
import { SessionList } from './session-list.js';
import { pagePath } from './site.js';
import { clearTab } from './tab-storage.js';
import { TokenList } from './token-list.js';
import { whenReachable } from './when-reachable.js';

revealButtons();
const session = new Session();
const menu = new AccountMenu(session);
await whenReachable(() => session.look());
menu.update();
if (session.account) showAccount(session.account);
else session.goToSignIn();

function showAccount(account) {
  showWithoutPassword(account.password === false);
  new ProfileForm(account, ({ display, name }) => (byId('account-name').textContent = display || name));
  identityForm(account);
  passwordForm(account);
  deletionForm();
  if (document.getElementById('linked')) new LinkedPanel(account);
  load(new SessionList());
  load(new TokenList());
}

// Who signs in with a provider alone has no password to prove anything by, until they set one.
function showWithoutPassword(isWithout) {
  for (const id of ['identity-password', 'password-old', 'deletion-password']) {
    const input = byId(id);
    input.required = !isWithout;
    input.closest('.field').hidden = isWithout;
  }
}

async function load(list) {
  try {
    await whenReachable(() => list.load());
  } catch (error) {
    byId('trouble').textContent = error.reason ?? String(error);
  }
}

function identityForm({ name, email }) {
  const form = new ActionForm(byId('identity'), (values) => call('PATCH', '/api/account', { body: values }), {
    done: 'Saved.',
    then: (saved) => form.fill({ name: saved.name, email: saved.email ?? '', password: '' }),
  });
  form.fill({ name, email: email ?? '' });
}

function passwordForm({ name }) {
  const change = ({ old, new: next }) => call('POST', '/api/account/password', { body: { old, new: next } });
  const form = new ActionForm(byId('password'), change, {
    done: 'Changed. You are signed out everywhere else.',
    then: () => {
      form.fill({ old: '', new: '' });
      showWithoutPassword(false);
    },
  });
  // Keepers of passwords look for whose password it is.
  form.fill({ username: name });
}

function deletionForm() {
  new ActionForm(byId('deletion'), async (body) => {
    const isDone = await confirm({
      question: 'Delete your account for ever?',
      consequence:
        body.messages === 'keep'
          ? 'Your name is free for others. What you have written stays, as from a “deleted account”.'
          : 'Your name is free for others. All that you have written is deleted everywhere. Nobody can bring it back.',
      action: 'Delete the account',
      isGrave: true,
      act: () => call('DELETE', '/api/account', { body }),
    });
    if (!isDone) return;
    clearTab();
    location.assign(pagePath('/'));
  });
}
