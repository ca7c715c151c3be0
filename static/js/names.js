/** So many names are said in full before the rest becomes a number. */
const NAMED = 3;

/** So many tints a name may have (`tint-0` …, see people.css). */
const TINTS = 8;

/** Some names as a phrase: "ann", "ann and bob", "ann, bob and 3 others". */
export function namesInWords(names) {
  if (names.length <= 1) return names.join('');
  if (names.length > NAMED) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} others`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** The class that tints a name: always the same for the same name. */
export function tint(name) {
  let sum = 0;
  for (const character of name.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 997;
  return `tint-${sum % TINTS}`;
}

/** The first letter of a name, as its sign. */
export function initial(name) {
  return [...name][0]?.toUpperCase() ?? '';
}
