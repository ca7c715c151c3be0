/** So many names are said in full before the rest becomes a number. */
const NAMED = 3;

/** So many tints a name may have (`tint-0` …, see people.css). */
const TINTS = 8;

/** The hues that people choose from, each 30 degrees after the one before (`hue-0` …, see people.css). */
export const HUES = [
  'Red',
  'Orange',
  'Yellow',
  'Lime',
  'Green',
  'Mint',
  'Cyan',
  'Azure',
  'Blue',
  'Violet',
  'Magenta',
  'Pink',
];

/** Less colourful than this is grey, which has no hue. From 0 to 1. */
const GREY = 0.1;

/** Some names as a phrase: "ann", "ann and bob", "ann, bob and 3 others". */
export function namesInWords(names) {
  if (names.length <= 1) return names.join('');
  if (names.length > NAMED) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} others`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The class that tints a name: by the colour that the person has chosen, else always the same for the same name. */
export function tint(name, colour = '') {
  const hue = hueOf(colour);
  if (hue !== null) return `hue-${hue}`;
  let sum = 0;
  for (const character of name.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 997;
  return `tint-${sum % TINTS}`;
}

/** The first letter of a name, as its sign. */
export function initial(name) {
  return [...name][0]?.toUpperCase() ?? '';
}

/** The colour of a hue as "#rrggbb": half light, and colourful enough to be told from its neighbours. */
export function colourOf(hue) {
  const channel = (shift) => {
    const turn = (shift + hue) % HUES.length;
    return Math.round(255 * (0.45 - 0.27 * Math.max(-1, Math.min(turn - 3, 9 - turn, 1))));
  };
  return `#${[0, 8, 4].map((shift) => channel(shift).toString(16).padStart(2, '0')).join('')}`;
}

/** The nearest hue to a colour "#rrggbb", as its place in HUES; null for a grey one or none. */
export function hueOf(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return null;
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  if (range < GREY) return null;
  const sixths = { [blue]: 4 + (red - green) / range, [green]: 2 + (blue - red) / range, [red]: (green - blue) / range };
  return (Math.round(sixths[most] * 2) + HUES.length) % HUES.length;
}
