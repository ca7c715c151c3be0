/** Two presses within this time belong together, in milliseconds. */
const TOGETHER = 1_500;

/** What Esc is for elsewhere in the page: in dialogs, while a message is changed, and where an emoji is chosen. */
const TAKEN = 'dialog[open], #editing:not([hidden]), .emoji-picker';

/** Calls `first()` at a press of Esc and `second()` at another soon after, where Esc is for nothing else. */
export function onEscapeTwice(first, second) {
  let pressedAt = -Infinity;
  const press = (event) => {
    if (event.key !== 'Escape' || event.repeat || event.isComposing || document.querySelector(TAKEN)) return;
    const isSecond = event.timeStamp - pressedAt < TOGETHER;
    pressedAt = isSecond ? -Infinity : event.timeStamp;
    if (isSecond) second();
    else first();
  };
  // Before the parts of the page hear of it, as they may end what it is for.
  document.addEventListener('keydown', press, { capture: true });
}
