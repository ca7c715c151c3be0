import { byId } from './dom.js';
import { Emitter } from './emitter.js';
import { openModal } from './modal.js';
import { tint } from './names.js';
import { showSign } from './sign.js';

/** What moderators can do to a person in the room, each a button of the card. */
const SANCTIONS = ['mute', 'kick', 'ban'];

/**
 * The dialog about one person: who they are, and what one can do. Emits `message`, `mute`, `kick` and `ban` (the
 * user), after it has closed.
 */
export class ProfileCard extends Emitter {
  #dialog = byId('profile-card');
  #profiles;
  #session;
  #user = null;

  constructor(profiles, session) {
    super();
    this.#profiles = profiles;
    this.#session = session;
    byId('profile-card-close').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close());
    for (const act of ['message', ...SANCTIONS]) {
      byId(`profile-${act}`).addEventListener('click', () => {
        this.#dialog.close();
        this.emit(act, this.#user);
      });
    }
  }

  /** Opens about a user `{id, name}`; `canModerate`: whether in this room. */
  async open(user, { canModerate }) {
    this.#user = user;
    const isMe = user.id === this.#session.user.id;
    byId('profile-message').hidden = isMe || kindOf(user) === 'bot';
    byId('profile-mine').hidden = !isMe || user.id.startsWith('g-');
    byId('profile-sanctions').hidden = isMe || !canModerate;
    this.#show(this.#profiles.of(user));
    openModal(this.#dialog);
    if (kindOf(user) !== 'account') return;
    const profile = await this.#profiles.fresh(user).catch(() => null);
    if (this.#user === user) this.#show(profile);
  }

  #show(profile) {
    const name = profile?.display || this.#user.name;
    const sign = byId('profile-card-sign');
    sign.className = `sign large ${tint(name, profile?.colour)}`;
    showSign(sign, name, profile);
    byId('profile-card-name').textContent = name;
    byId('profile-card-facts').textContent = this.#facts(profile);
    byId('profile-card-status').textContent = profile?.status ?? '';
  }

  #facts(profile) {
    const kind = kindOf(this.#user);
    if (kind === 'guest') return 'A guest, without an account';
    if (kind === 'bot') return 'A bot: a program that speaks for somebody';
    return profile?.display && profile.name !== profile.display ? `Account ${profile.name}` : 'Has an account';
  }
}

function kindOf({ id }) {
  return { g: 'guest', b: 'bot' }[id[0]] ?? 'account';
}
