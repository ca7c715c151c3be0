/**
 * A form that is carried out in the page: `act(values)` is called with what its fields hold, and while it runs a
 * second press does nothing. Where it throws, the reason is shown; else `done` (a sentence) and what it returned is
 * passed to `then`.
 */
export class ActionForm {
  #form;
  #reason;
  #done;
  #isBusy = false;

  constructor(form, act, { done = '', then = () => {} } = {}) {
    this.#form = form;
    this.#reason = form.querySelector('.reason');
    this.#done = form.querySelector('.done');
    form.addEventListener('input', () => this.#say('', ''));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (this.#isBusy) return;
      this.#isBusy = true;
      this.#say('', '');
      try {
        const result = await act(this.values);
        this.#say('', done);
        then(result);
      } catch (error) {
        this.#say(error.reason ?? String(error), '');
      } finally {
        this.#isBusy = false;
      }
    });
  }

  /** What the fields hold, by their names: texts trimmed (but for passwords), boxes as whether they are ticked. */
  get values() {
    const named = [...this.#form.elements].filter(({ name, type, checked }) => name && (type !== 'radio' || checked));
    return Object.fromEntries(named.map((field) => [field.name, valueOf(field)]));
  }

  /** Puts values into the fields of these names; empty ones that are not named stay as they are. */
  fill(values) {
    for (const field of this.#form.elements) {
      if (!(field.name in values)) continue;
      if (field.type === 'checkbox') field.checked = values[field.name];
      else if (field.type === 'radio') field.checked = field.value === values[field.name];
      else field.value = values[field.name];
    }
  }

  /** Empties the fields, or sets them to what they held at first. */
  reset() {
    this.#form.reset();
  }

  #say(reason, done) {
    this.#reason.textContent = reason;
    if (this.#done) this.#done.textContent = done;
  }
}

function valueOf(field) {
  if (field.type === 'checkbox') return field.checked;
  return field.type === 'password' || field.autocomplete?.endsWith('password') ? field.value : field.value.trim();
}
