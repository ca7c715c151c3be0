import { byId } from './dom.js';
import { openModal } from './modal.js';

/**
 * Asks before something that others will notice or that cannot be taken back; returns whether it was done.
 *
 * `question` is the heading, `consequence` a sentence that says what will happen, `action` names the button, and
 * `isGrave` paints it as a warning. With `asksDuration` and `asksReason` ("optional" or "needed") there are fields
 * for them. `act({seconds, reason})` is then carried out; where it throws, the reason is shown and the dialog stays.
 */
export function confirm({ question, consequence = '', action, isGrave = false, asksDuration, asksReason, act }) {
  const dialog = byId('confirm');
  show('confirm-question', question);
  show('confirm-consequence', consequence);
  show('confirm-trouble', '');
  show('confirm-yes', action);
  byId('confirm-yes').classList.toggle('grave-button', isGrave);
  byId('confirm-duration-field').hidden = !asksDuration;
  byId('confirm-reason-field').hidden = !asksReason;
  byId('confirm-reason').required = asksReason === 'needed';
  byId('confirm-reason').value = '';
  show('confirm-reason-hint', asksReason === 'optional' ? '(may stay empty)' : '');
  openModal(dialog);
  if (!asksDuration && !asksReason) byId('confirm-no').focus();
  return answered(dialog, act);
}

function show(id, text) {
  byId(id).textContent = text;
  if (id === 'confirm-consequence') byId(id).hidden = text === '';
}

function answered(dialog, act) {
  let isDone = false;
  let isBusy = false;
  byId('confirm-no').onclick = () => dialog.close();
  byId('confirm-form').onsubmit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    try {
      await act?.({ seconds: Number(byId('confirm-duration').value), reason: byId('confirm-reason').value.trim() });
      isDone = true;
      dialog.close();
    } catch (error) {
      show('confirm-trouble', error.reason ?? String(error));
    } finally {
      isBusy = false;
    }
  };
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(isDone);
  });
}
