import { byId } from './dom.js';

/** Asks before something that cannot be taken back; returns whether the person agrees. `action` names the button. */
export function confirm(question, action) {
  const dialog = byId('confirm');
  byId('confirm-question').textContent = question;
  byId('confirm-yes').textContent = action;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}
