import { Refused } from './parley.js';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const LINE = /^(.*?)\s+(\d{1,2}:\d\d)\s*[-–]\s*(\d{1,2}:\d\d)$/;

/** Opening hours as a person writes them, a line each: "Mon-Fri 09:00-17:30", "Sat, Sun 10:00-12:00". */
export function hoursInWords(hours) {
  return hours.map(({ days, opens, closes }) => `${daysInWords(days)} ${opens}-${closes}`).join('\n');
}

/** The hours that such lines mean. Throws Refused for a line that means none. */
export function hoursOf(text) {
  return lines(text).map((line) => {
    const [, days, opens, closes] = LINE.exec(line) ?? wrong(`“${line}” is no time: write it like “Mon-Fri 09:00-17:30”.`);
    return { days: daysOf(days), opens: opens.padStart(5, '0'), closes: closes.padStart(5, '0') };
  });
}

/** Canned answers, a line each: "thanks: Thank you for waiting!"; a new line within one is written "\n". */
export function cannedInWords(canned) {
  return canned.map(({ name, text }) => `${name}: ${text.replaceAll('\n', '\\n')}`).join('\n');
}

/** The answers that such lines mean. Throws Refused for a line that means none. */
export function cannedOf(text) {
  return lines(text).map((line) => {
    const [, name, said] = /^([^:]{1,40}):\s*(.+)$/.exec(line) ?? wrong(`“${line}” has no name: write it like “thanks: Thank you!”.`);
    return { name: name.trim(), text: said.replaceAll('\\n', '\n') };
  });
}

function daysOf(text) {
  const found = text.split(',').flatMap((part) => {
    const [first, last = first] = part.split(/[-–]/).map((day) => DAYS.indexOf(capital(day.trim().slice(0, 3))));
    if (first < 0 || last < 0) wrong(`“${part.trim()}” is no day: Mon, Tue, Wed, Thu, Fri, Sat, Sun.`);
    const count = ((last - first + 7) % 7) + 1;
    return Array.from({ length: count }, (_, index) => ((first + index) % 7) + 1);
  });
  return [...new Set(found)].sort();
}

// Days in a row as "Mon-Fri".
function daysInWords(days) {
  const runs = [];
  for (const day of [...days].sort()) {
    if (runs.at(-1)?.at(-1) === day - 1) runs.at(-1).push(day);
    else runs.push([day]);
  }
  return runs.map((run) => [...new Set([run[0], run.at(-1)])].map((day) => DAYS[day - 1]).join('-')).join(', ');
}

function lines(text) {
  return text.split('\n').map((line) => line.trim()).filter(Boolean);
}

function capital(day) {
  return day.charAt(0).toUpperCase() + day.slice(1).toLowerCase();
}

function wrong(reason) {
  throw new Refused('bad_request', reason);
}
