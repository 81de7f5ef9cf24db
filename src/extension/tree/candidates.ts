import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, sep } from 'node:path';
import { DESCRIPTOR_NAMES, SHARED_ENDINGS } from '../../core/imageNames';
import { matchAny } from './globs';

/**
 * Which files of a workspace are worth reading a header of. By name:
 * - `image`: a pattern of a format, or a name that disks share with other files
 * - `maybe`: no extension, as oVirt's volumes have none; or one that says nothing, as `.vhd` does
 * - `neighbour`: any other name that is no well-known kind of file. Read only where an image lies beside it: libvirt
 *   calls an overlay `web01.before-upgrade`
 */
export type Likelihood = 'image' | 'maybe' | 'neighbour';

/** Extensions of files that lie about in numbers and are never disks. */
const NEVER: ReadonlySet<string> = new Set(
  [
    'c cc cpp cs cxx go h hh hpp hxx java jar class js cjs mjs jsx jsonc json json5 kt lua map php pl py pyc rb rs sql',
    'ts cts mts tsx bash bat cmd ps1 sh zsh css scss less htm html xhtml md txt log ini conf cfg toml yml yaml xml xsd',
    'csv tsv ovf meta lease lock diff patch pem crt key asc sig sum sha1 sha256 sha512 pid sock swp',
    'svg png jpg jpeg gif ico webp pdf doc docx xls xlsx ppt pptx mp3 mp4 mkv avi mov wav flac ogg ttf woff woff2',
    '7z bz2 deb gz rar rpm tar tbz2 tgz txz vsix xz zip zst a dll exe o so wasm',
  ].flatMap((line) => line.split(' ')),
);
/** Files without an extension that are text by convention. */
const TEXT_NAMES: ReadonlySet<string> = new Set(
  'license licence copying readme changelog authors notice makefile dockerfile vagrantfile jenkinsfile'.split(' '),
);

/** Stands for all images of a bundle of Parallels, in a folder of their own. */
export const PARALLELS_BUNDLE = 'DiskDescriptor.xml';

export function likelihood(isImage: (name: string) => boolean, name: string): Likelihood | undefined {
  const extension = extname(name).slice(1).toLowerCase();
  // Where there is VHDL source there is much of it, and no disk.
  if (extension === 'vhd') return 'maybe';
  if (isImage(name) || name === PARALLELS_BUNDLE) return 'image';
  if (extension !== '') return NEVER.has(extension) ? undefined : 'neighbour';
  return name.startsWith('.') || TEXT_NAMES.has(name.toLowerCase()) ? undefined : 'maybe';
}

/** Tells names that disk images have. @param patterns the editor's own file name patterns */
export function imageNames(patterns: readonly string[]): (name: string) => boolean {
  const descriptors = DESCRIPTOR_NAMES.map((name) => name.toLowerCase());
  const test = matchAny([...patterns, ...SHARED_ENDINGS.map((ending) => `*${ending}`), ...descriptors]);
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

/**
 * What a walk through these folders would make of single files, by their paths alone.
 * @returns undefined for a file that lies elsewhere, is left out or is no candidate
 */
export function candidateTest(
  folders: readonly string[],
  options: Pick<WalkOptions, 'isImage' | 'exclude'>,
): (path: string) => Candidate | undefined {
  const excluded = matchAny(options.exclude);
  return (path) => {
    const likely = likelihood(options.isImage, basename(path));
    if (!likely) return undefined;
    for (const folder of folders) {
      const inside = relative(folder, path);
      if (inside === '' || isAbsolute(inside) || inside.split(sep)[0] === '..') continue;
      if (!excluded(inside.replaceAll(sep, '/'))) return { path, folder: dirname(path), likelihood: likely };
    }
    return undefined;
  };
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
