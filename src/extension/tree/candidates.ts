import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { matchAny } from './globs';

/**
 * Which files of a workspace are worth reading a header of. By name:
 * - `image`: a pattern of a format, or a name that raw disks have
 * - `maybe`: no extension, as oVirt's volumes have none
 * - `neighbour`: any other name that is no well-known kind of file. Read only where an image lies beside it: libvirt
 *   calls an overlay `web01.before-upgrade`
 */
export type Likelihood = 'image' | 'maybe' | 'neighbour';

const RAW_NAMES = ['*.img', '*.raw'];
/** Small files that lie about in numbers and are never disks. */
const NEVER =
  /^\.(?:[cm]?[jt]sx?|json[5c]?|md|txt|log|x?html?|s?css|less|svg|png|jpe?g|gif|ico|webp|pdf|ya?ml|toml|ini|conf|cfg|xml|xsd|ovf|meta|lease|csv|tsv|py|pyc|rb|go|rs|java|class|jar|kt|[ch](?:pp|xx|c)?|hh|cs|php|sh|bash|zsh|ps1|bat|cmd|pl|lua|sql|map|lock|vsix|zip|t?gz|t?xz|t?bz2|zst|7z|rar|tar|deb|rpm|so|o|a|dll|exe|wasm|ttf|woff2?|mp[34]|mkv|avi|mov|wav|flac|ogg|docx?|xlsx?|pptx?|sum|sha\d+|sig|asc|pem|crt|key|pid|sock|swp|patch|diff)$/i;
/** Files without an extension that are text by convention. */
const TEXT_NAMES = /^(?:LICEN[CS]E|COPYING|README|CHANGELOG|AUTHORS|NOTICE|Makefile|Dockerfile|Vagrantfile|Jenkinsfile)$/i;

export function likelihood(isImage: (name: string) => boolean, name: string): Likelihood | undefined {
  if (isImage(name)) return 'image';
  const extension = extname(name);
  if (extension === '' || /[^A-Za-z0-9_-]/.test(extension.slice(1))) {
    return name.startsWith('.') || TEXT_NAMES.test(name) ? undefined : 'maybe';
  }
  return NEVER.test(extension) ? undefined : 'neighbour';
}

/** Tells names that only disk images have. @param patterns the editor's own file name patterns */
export function imageNames(patterns: readonly string[]): (name: string) => boolean {
  const test = matchAny([...patterns, ...RAW_NAMES]);
  return (name) => test(name.toLowerCase());
}

export interface WalkOptions {
  readonly folder: string;
  readonly isImage: (name: string) => boolean;
  /** Globs of files and folders to leave out. */
  readonly exclude: readonly string[];
  readonly signal: AbortSignal;
}

export interface Candidate {
  readonly path: string;
  readonly folder: string;
  readonly likelihood: Likelihood;
}

/**
 * Walks a folder, breadth first, without following links to folders, and yields one folder's candidates at a time.
 * Folders that can't be read are passed over. Reads names alone; whoever iterates decides how far to go.
 */
export async function* walkCandidates(options: WalkOptions): AsyncGenerator<readonly Candidate[], void, void> {
  const { folder, isImage, exclude, signal } = options;
  const excluded = matchAny(exclude);
  const queue: string[] = [''];
  for (let relative = queue.shift(); relative !== undefined; relative = queue.shift()) {
    if (signal.aborted) return;
    const absolute = join(folder, relative);
    const found: Candidate[] = [];
    for (const entry of await entriesOf(absolute)) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (excluded(path)) continue;
      if (entry.isDirectory()) {
        queue.push(path);
      } else if (entry.isFile() || entry.isSymbolicLink()) {
        const likely = likelihood(isImage, entry.name);
        if (likely) found.push({ path: join(absolute, entry.name), folder: absolute, likelihood: likely });
      }
    }
    if (found.length > 0) yield found;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) entries.push(entry);
  } catch {
    // Vanished or unreadable: what was read of it so far still counts.
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
