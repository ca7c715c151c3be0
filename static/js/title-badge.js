/** Shows the room's title as the page's, with how much is unread in front while it is hidden: "(3) Lobby · Parley". */
export function showTitle(shown, rooms) {
  const unread = rooms.reduce((sum, room) => sum + room.unread, 0);
  const badge = document.hidden && unread > 0 ? `(${unread}) ` : '';
  document.title = `${badge}${shown.title} · Parley`;
}
