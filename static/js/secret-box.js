import { el } from './dom.js';

/** How long a button says that it has copied, in milliseconds. */
const SAYS_COPIED = 2_500;

/** Shows in `box` a text to be taken along: a sentence, the text with a button that copies it, and further nodes. */
export function showSecret(box, { sentence, label, text, more = [] }) {
  const field = el('input', { readonly: true, value: text, 'aria-label': label, spellcheck: 'false' });
  field.addEventListener('focus', () => field.select());
  box.replaceChildren(el('p', {}, sentence), el('div', { class: 'secret-line' }, field, copyButton(field)), ...more);
  box.hidden = false;
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: 'nearest' });
}

function copyButton(field) {
  const button = el('button', { type: 'button', class: 'main-button' }, 'Copy');
  const said = el('span', { class: 'visually-hidden', role: 'status' });
  button.append(said);
  button.addEventListener('click', async () => {
    const isCopied = await copy(field);
    button.firstChild.data = isCopied ? 'Copied' : 'Press Ctrl+C';
    said.textContent = isCopied ? 'Copied' : 'Select and copy the text yourself';
    setTimeout(() => {
      button.firstChild.data = 'Copy';
      said.textContent = '';
    }, SAYS_COPIED);
  });
  return button;
}

// The clipboard is open to pages on HTTPS and localhost; elsewhere the older way may still work.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand('copy');
  }
}
