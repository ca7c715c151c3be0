import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { byId, el } from './dom.js';
import { colourOf, hueOf, HUES, tint } from './names.js';
import { smallPicture } from './picture-file.js';
import { showSign } from './sign.js';

/** The form for what others see of one, with a preview. `onSaved(account)` is told of each change. */
export class ProfileForm {
  #element = byId('profile');
  #file = byId('profile-picture');
  #withoutPicture = byId('profile-no-picture');
  #form;
  #picture = null;
  #kept = '';

  constructor(account, onSaved) {
    byId('profile-colours').append(swatch('', null), ...HUES.map((name, hue) => swatch(name, hue)));
    this.#form = new ActionForm(this.#element, (values) => this.#save(values), {
      done: 'Saved. The others see it from your next message on.',
      then: (saved) => {
        this.#show(saved);
        onSaved(saved);
      },
    });
    this.#element.addEventListener('input', () => this.#preview());
    this.#file.addEventListener('change', () => this.#take(this.#file.files[0]));
    this.#withoutPicture.addEventListener('click', () => this.#drop());
    this.#show(account);
  }

  #show({ name, display, status, colour, picture }) {
    const hue = hueOf(colour ?? '');
    this.#picture = null;
    this.#kept = picture || '';
    this.#form.fill({ display: display || name, status: status ?? '', colour: hue === null ? '' : colourOf(hue) });
    this.#preview();
  }

  #preview() {
    const { display, status, colour } = this.#form.values;
    const picture = this.#picture ?? this.#kept;
    const sign = byId('profile-sign');
    sign.className = `sign large ${tint(display, colour)}`;
    showSign(sign, display, { picture });
    byId('profile-name').textContent = display;
    byId('profile-status').textContent = status;
    this.#withoutPicture.hidden = !picture;
  }

  async #take(file) {
    if (!file) return;
    const reason = this.#element.querySelector('.reason');
    try {
      this.#picture = await smallPicture(file);
      reason.textContent = '';
    } catch (error) {
      this.#file.value = '';
      reason.textContent = error.message;
    }
    this.#preview();
  }

  #drop() {
    this.#picture = '';
    this.#file.value = '';
    this.#preview();
    this.#file.focus();
  }

  async #save({ display, status, colour }) {
    const picture = this.#picture === null ? {} : { picture: this.#picture };
    const saved = await call('PATCH', '/api/account', { body: { display, status, colour, ...picture } });
    this.#file.value = '';
    return saved;
  }
}

function swatch(name, hue) {
  const input = el('input', { type: 'radio', name: 'colour', value: hue === null ? '' : colourOf(hue) });
  if (hue === null) return el('label', { class: 'colour by-name' }, input, 'By my name');
  input.setAttribute('aria-label', name);
  return el('label', { class: `colour hue-${hue}`, title: name }, input, el('span', { 'aria-hidden': 'true' }, 'a'));
}
