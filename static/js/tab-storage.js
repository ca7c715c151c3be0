/** What this page's tab keeps is under names that begin so; a site around Parley may keep things there as well. */
const PREFIX = 'parley.';

/** Forgets the open rooms and their drafts: they are not for whoever comes next. */
export function clearTab() {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
}
