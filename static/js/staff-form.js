import { ActionForm } from './action-form.js';
import { call } from './api.js';
import { newKey } from './keys.js';

/** A form that sends a staff message to the address `path` of the interface; sent again after a failure it is said once. */
export function staffForm(element, path) {
  let key = newKey();
  const form = new ActionForm(element, ({ text }) => call('POST', path, { body: { text, key } }), {
    done: 'It is said.',
    then: () => {
      key = newKey();
      form.fill({ text: '' });
    },
  });
}
