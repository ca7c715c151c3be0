import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { byId } from './dom.js';
import { Emitter } from './emitter.js';

/** The notes of the conversation that is shown, which its visitor never gets. Emits `noted` (the id of the conversation). */
export class DeskNotes extends Emitter {
  #form = byId('note-form');
  #button = byId('desk-note');
  #conversation = '';

  constructor() {
    super();
    const save = ({ text }) =>
      call('POST', `/api/conversations/${this.#conversation}`, { body: { act: 'note', text } });
    const form = new ActionForm(this.#form, save, {
      then: () => {
        form.reset();
        this.#show(false);
      },
    });
    this.#button.addEventListener('click', () => this.#show(this.#form.hidden));
    byId('note-cancel').addEventListener('click', () => this.#show(false));
    this.#form.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#show(false);
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.target.tagName !== 'TEXTAREA') return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
  }

  /** Brings the notes of a conversation into its room. */
  async load(id, room) {
    if (this.#conversation !== id) this.#show(false, { focus: false });
    this.#conversation = id;
    const { notes } = await call('GET', `/api/conversations/${id}`);
    room.asides = notes;
  }

  /** Takes in a note that has just been made. */
  take(note, room) {
    if (!room.asides.some(({ id }) => id === note.id)) room.asides = [...room.asides, note];
  }

  #show(isOpen, { focus = true } = {}) {
    this.#form.hidden = !isOpen;
    this.#button.setAttribute('aria-expanded', isOpen);
    if (isOpen) byId('note-text').focus();
    else if (focus) byId('composer').focus();
  }
}
