/** The kinds of messages that a drawing board is made of: the log of a conversation shows none of them. */
export const DRAWN = ['board.stroke', 'board.undo', 'board.clear'];

/** Whether an entry is something drawn, and nothing said. */
export function isDrawn({ type, kind }) {
  return type === 'message' && DRAWN.includes(kind);
}
