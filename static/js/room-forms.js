import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { confirm } from './confirm-dialog.js';
import { byId, el } from './dom.js';
import { roomApi } from './room-name.js';
import { pagePath } from './site.js';

/**
 * The forms for how a room is: its order, what it is, and its end. `me` is the id of who is at this page;
 * `onChange()` is called when one is saved.
 */
export class RoomForms {
  #room;
  #me;
  #title = '';
  #order;
  #nature;

  constructor(room, me, onChange) {
    this.#room = room;
    this.#me = me;
    const save = (fields) => call('PATCH', roomApi(room), { body: fields });
    const saved = { done: 'Saved. It holds at once.', then: onChange };
    this.#order = new ActionForm(byId('order-form'), ({ locked, slow }) => save({ locked, slow: Number(slow) }), saved);
    this.#nature = new ActionForm(
      byId('room-form'),
      ({ lifetime, ...fields }) => save({ ...fields, lifetime: /^\d+$/.test(lifetime) ? Number(lifetime) : lifetime }),
      saved,
    );
    byId('leave').addEventListener('click', () => this.#leave());
    byId('delete-room').addEventListener('click', () => this.#delete());
  }

  /** Shows the forms that one may use, with what holds now. */
  update({ title, access, lifetime, read_only, locked, slow, role, rights }) {
    const isDirect = access === 'direct';
    this.#title = title;
    byId('order').hidden = isDirect || !rights.moderate;
    byId('room-panel').hidden = isDirect || !rights.own;
    byId('deletion-panel').hidden = !rights.own;
    byId('leave-panel').hidden = !role;
    offer(byId('order-form').elements.slow, slow, `A message every ${slow} seconds`);
    offer(byId('room-form').elements.lifetime, lifetime, `For ${lifetime} days`);
    this.#order.fill({ locked, slow: String(slow) });
    this.#nature.fill({ title, access, read_only, lifetime: String(lifetime) });
  }

  async #leave() {
    const isDone = await confirm({
      question: `Leave ${this.#title}?`,
      consequence: 'You are no longer one of its members. Into a room that is not open to all you need to be let in again.',
      action: 'Leave',
      act: () => call('DELETE', `${roomApi(this.#room)}/members/${encodeURIComponent(this.#me)}`),
    });
    if (isDone) location.assign(pagePath('/'));
  }

  async #delete() {
    const isDone = await confirm({
      question: `Delete ${this.#title} for ever?`,
      consequence: 'Everybody in it is put out, and all that was said there is gone. Nobody can bring it back.',
      action: 'Delete the room',
      isGrave: true,
      act: () => call('DELETE', roomApi(this.#room)),
    });
    if (isDone) location.assign(pagePath('/'));
  }
}

// A value that was set elsewhere may be none of those on offer.
function offer(select, value, label) {
  const isKnown = [...select.options].some((option) => option.value === String(value));
  if (!isKnown) select.append(el('option', { value }, label));
}
