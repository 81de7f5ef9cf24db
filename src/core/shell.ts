/** Command lines for a person to read, copy and run. */

const PLAIN = /^[\w@%+=:,./-]+$/;
/** What a terminal acts on when it is pasted. */
const UNSEEN = /[\p{Cc}\p{Cf}]/u;
/** What one of Windows' shells acts on within double quotes, the only ones that both of them know. */
const ACTIVE_ON_WINDOWS = /["$%`!]/;

/**
 * One argument as a shell takes it: names come out of images and folders, and must not run anything.
 * @returns undefined where no quotes make that sure
 */
export function quoted(text: string, windows: boolean): string | undefined {
  if (UNSEEN.test(text) || (windows && ACTIVE_ON_WINDOWS.test(text))) return undefined;
  if (PLAIN.test(text)) return text;
  return windows ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A program and its arguments as one line for a shell. What can't be quoted safely is shown between guillemets, which no
 * shell runs as that name.
 */
export function commandLine(words: readonly string[], windows: boolean): string {
  return words.map((word) => quoted(word, windows) ?? `«${word.replace(/[\p{Cc}\p{Cf}]/gu, '?')}»`).join(' ');
}
