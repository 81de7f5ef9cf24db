import { quoted } from '../core/shell';
import type { LayerSummary } from '../protocol/image';

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
