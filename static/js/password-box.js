import { el } from './dom.js';

/** Gives every field for a password in the page a button that shows what has been typed. */
export function revealButtons() {
  for (const input of document.querySelectorAll('input[type="password"]')) addButton(input);
}

function addButton(input) {
  const button = el('button', { type: 'button', class: 'text-button', 'aria-label': 'Show the password' }, 'Show');
  const box = el('span', { class: 'password-box' });
  const isFocused = document.activeElement === input;
  input.replaceWith(box);
  box.append(input, button);
  if (isFocused) input.focus();
  button.addEventListener('click', () => turn(input, button, input.type === 'password'));
  // A browser offers to keep what was in a field of this kind when the form is sent.
  input.form?.addEventListener('submit', () => turn(input, button, false));
  input.form?.addEventListener('reset', () => turn(input, button, false));
}

function turn(input, button, isShown) {
  input.type = isShown ? 'text' : 'password';
  button.textContent = isShown ? 'Hide' : 'Show';
  button.setAttribute('aria-label', isShown ? 'Hide the password' : 'Show the password');
}
