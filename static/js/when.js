const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_WITH_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_LENGTH = 24 * HOUR;

/** The units in which something is said to last, each with its length in seconds. */
const UNITS = [[86_400, 'day'], [3_600, 'hour'], [60, 'minute']];

/** The time of day, "14:05", as the reader's language writes it. All times are milliseconds since the epoch. */
export function clock(at) {
  return CLOCK.format(at);
}

/** Date and time in full. */
export function fullDate(at) {
  return FULL.format(at);
}

/** Date and time as short as they are clear: "3 Mar 2026, 14:05". */
export function moment(at) {
  return MOMENT.format(at);
}

/** Whether both times lie on one day where the reader is; no time (null) shares a day with none. */
export function isSameDay(one, other) {
  return one !== null && other !== null && new Date(one).toDateString() === new Date(other).toDateString();
}

/** The day: "Today", "Yesterday", "Tuesday, 3 March", or with the year where it is another one. */
export function dayName(at, now = Date.now()) {
  if (isSameDay(at, now)) return 'Today';
  if (isSameDay(at, now - DAY_LENGTH)) return 'Yesterday';
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? DAY : DAY_WITH_YEAR).format(at);
}

/** How long something lasts, roughly: "10 minutes", "1 hour", "30 days". */
export function duration(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds >= length) ?? [1, 'second'];
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** How long ago, roughly: "just now", "3 min ago", "2 h ago", "yesterday", or the date. */
export function ago(at, now = Date.now()) {
  const past = now - at;
  if (past < MINUTE) return 'just now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  if (past < DAY_LENGTH) return `${Math.floor(past / HOUR)} h ago`;
  return isSameDay(at, now - DAY_LENGTH) ? 'yesterday' : DAY_WITH_YEAR.format(at);
}
