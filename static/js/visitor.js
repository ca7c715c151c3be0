import { AccountMenu } from './account-menu.js';
import { here } from './api.js';
import { ConnectionPill } from './connection-pill.js';
import { DRAWN } from './drawn.js';
import { Connection, Outbox } from './parley.js';
import { Session } from './session.js';
import { SignedOutDialog } from './signed-out-dialog.js';
import { whenReachable } from './when-reachable.js';

/**
 * Whoever is at a page with conversations, once they have a name: their `session`, the `connection` (to be started) and
 * the `outbox`. `isForRooms` as Connection has it. One who is signed out is asked in again.
 */
export async function visitor({ isForRooms = true } = {}) {
  const session = new Session();
  const account = new AccountMenu(session);
  await whenReachable(() => session.require());
  account.update();

  const transport = new URLSearchParams(location.search).get('transport');
  const connection = new Connection(here, { transport, isForRooms, without: DRAWN });
  const pill = new ConnectionPill(() => connection.connect());
  const outbox = new Outbox(connection, session.user.name);
  connection.on('state', (state) => pill.update(state));
  connection.on('state', ({ name, reason }) => name === 'signed-out' && signInAgain(reason));
  connection.on('welcome', ({ user }) => {
    session.take(user);
    account.update();
  });
  return { session, connection, outbox };

  async function signInAgain(reason) {
    // Who had an account is not to find themselves here as a guest.
    if (session.account) {
      new SignedOutDialog(session).show(reason);
      return;
    }
    await whenReachable(() => session.require({ reason: reason ?? '' }));
    account.update();
    outbox.handTo(session.user.name);
    connection.connect();
  }
}
