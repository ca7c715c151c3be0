/**
 * Opens a dialog. When it closes, the focus goes back to where it was: first to the message around it, if there is one,
 * as its buttons hide while the focus is elsewhere and could not take it.
 */
export function openModal(dialog) {
  const before = document.activeElement;
  const giveBack = () => {
    before.closest('.message')?.focus({ preventScroll: true });
    if (before.isConnected) before.focus({ preventScroll: true });
  };
  dialog.addEventListener('close', giveBack, { once: true });
  dialog.showModal();
}
