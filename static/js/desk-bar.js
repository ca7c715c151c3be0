import { call } from './api.js';
import { byId, el } from './dom.js';
import { Emitter } from './emitter.js';
import { tell } from './notice.js';
import { pagePath } from './site.js';

/** The keys that press the buttons, with Alt, by where they are on a keyboard. */
const KEYS = { KeyT: 'desk-take', KeyN: 'desk-note', KeyX: 'desk-close' };

/** Who is shown, and what an agent can do about their conversation. Emits `stepped` (the conversation after it), `back`. */
export class DeskBar extends Emitter {
  #conversation = null;
  #me;
  #people = [];

  constructor(me) {
    super();
    this.#me = me;
    byId('desk-take').addEventListener('click', () => this.#take());
    byId('desk-close').addEventListener('click', () => this.#step({ act: 'close' }));
    byId('desk-heir').addEventListener('change', ({ target }) => this.#handOver(target));
    byId('desk-back').addEventListener('click', () => this.emit('back'));
    byId('desk-text').addEventListener('click', () => this.#save('text'));
    byId('desk-json').addEventListener('click', () => this.#save('json'));
    document.addEventListener('keydown', (event) => {
      const button = event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.code];
      if (!button || byId(button).hidden || byId(button).disabled || byId('desk-bar').hidden) return;
      event.preventDefault();
      byId(button).click();
    });
  }

  /** `people`: the agents of the desk, `{id, name}`. */
  set people(people) {
    this.#people = people;
    if (this.#conversation) this.#offer();
  }

  /** Shows a conversation. */
  update(conversation) {
    this.#conversation = conversation;
    const { visitor, email, page, state, agent } = conversation;
    const isMine = state === 'taken' && agent.id === this.#me;
    byId('desk-bar').hidden = false;
    byId('desk-visitor').textContent = visitor.name;
    byId('desk-facts').replaceChildren(...facts(conversation, isMine), ...mail(email), ...(page ? [` · at ${page}`] : []));
    byId('desk-take').hidden = isMine;
    byId('desk-take').textContent = state === 'taken' ? `Take over from ${agent.name}` : 'Take';
    byId('desk-close').hidden = state === 'closed' || (state === 'taken' && !isMine);
    byId('desk-hand').hidden = !isMine;
    this.#offer();
  }

  #offer() {
    const others = this.#people.filter(({ id }) => id !== this.#me);
    const options = others.map(({ id, name }) => el('option', { value: id }, name));
    byId('desk-heir').replaceChildren(
      el('option', { value: '-', selected: true }, 'Hand over…'),
      el('option', { value: '' }, 'Back to the queue'),
      ...options,
    );
  }

  #take() {
    const { state, agent } = this.#conversation;
    return this.#step({ act: 'take', ...(state === 'taken' && { holder: agent.id }) });
  }

  #handOver(select) {
    const to = select.value;
    select.value = '-';
    if (to !== '-') this.#step({ act: 'hand_over', to });
  }

  async #step(body) {
    const { id } = this.#conversation;
    try {
      this.emit('stepped', await call('POST', `/api/conversations/${id}`, { body }));
    } catch (error) {
      tell(error);
      // Somebody was first, perhaps: what is so now is shown.
      const now = await call('GET', `/api/conversations/${id}`).catch(() => null);
      if (now) this.emit('stepped', now.conversation);
    }
  }

  #save(form) {
    const link = el('a', { href: pagePath(`/api/conversations/${this.#conversation.id}/transcript?as=${form}`), download: true });
    link.click();
  }
}

function facts({ state, agent }, isMine) {
  if (state === 'waiting') return ['Waits for an agent'];
  if (state === 'closed') return ['Closed'];
  return [isMine ? 'Yours' : `With ${agent.name}`];
}

function mail(email) {
  return email ? [' · ', el('a', { href: `mailto:${encodeURIComponent(email).replace('%40', '@')}` }, email)] : [];
}
