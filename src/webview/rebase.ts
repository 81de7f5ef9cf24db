import type { LayerSummary } from '../protocol/image';

const PLAIN = /^[\w@%+=:,./-]+$/;

/** What a terminal acts on when it is pasted. */
const UNSEEN = /[\p{Cc}\p{Cf}]/u;
/** What one of Windows' shells acts on within double quotes, the only ones that both of them know. */
const ACTIVE_ON_WINDOWS = /["$%`!]/;

/**
 * One argument as a shell takes it: names come out of images and folders, and must not run anything.
 * @returns undefined where no quotes make that sure
 */
function quoted(text: string, windows: boolean): string | undefined {
  if (UNSEEN.test(text) || (windows && ACTIVE_ON_WINDOWS.test(text))) return undefined;
  if (PLAIN.test(text)) return text;
  return windows ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The command that writes the parent's name anew, `NEW-PARENT` left to be filled in; to be run in the layer's folder.
 * The format is the one that the image records, where it does. What can't be quoted is left to be filled in as well.
 */
export function rebaseCommand({ path, fileName, facts }: Pick<LayerSummary, 'path' | 'fileName' | 'facts'>): string {
  const windows = /^(?:[a-z]:[\\/]|\\\\)/i.test(path);
  const format = facts.find(({ label }) => label === 'Backing format')?.value;
  const file = fileName.startsWith('-') ? `./${fileName}` : fileName;
  const recorded = typeof format === 'string' ? quoted(format, windows) : undefined;
  return `qemu-img rebase -u -b NEW-PARENT -F ${recorded ?? 'FORMAT'} ${quoted(file, windows) ?? 'FILE'}`;
}
