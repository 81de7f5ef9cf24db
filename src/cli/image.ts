import * as path from 'node:path';
import { DiskError, DRIVERS, Session } from '../core';
import type { Finding, LayerStory, OpenedSource, Picture, Progress } from '../core';
import { createEnvironment } from '../node/environment';
import { openDiskFile } from '../node/diskFile';
import { TRUST_ALL } from '../node/gate';
import { scanPicture } from '../node/scan/scanPicture';
import { StopToken } from '../node/slices';
import { platformStories } from '../node/stories';
import { findingSentence } from './findings';
import { layerNames } from './names';
import { tell } from './output';
import { ProgressLine } from './progress';
import { plain } from './text';
import type { Invocation } from './verb';
import { UsageError } from './verb';

/** An image and its chain, looked at from the state that was asked for. */
export interface OpenImage {
  readonly session: Session;
  /** The name of each layer, newest first, as qemu-img has it. */
  readonly names: readonly string[];
  /** The same, shorter and safe to print. */
  readonly titles: readonly string[];
}

/** Opens the image a verb is given, and what it stands on. @throws DiskError, UsageError */
export function openImage(invocation: Invocation, file: string): OpenImage {
  return openDisk(file, { format: invocation.value('format'), snapshot: invocation.value('snapshot') });
}

export interface DiskChoice {
  readonly format: string | undefined;
  /** Id or name of an internal snapshot. */
  readonly snapshot: string | undefined;
}

/** @throws DiskError, UsageError */
export function openDisk(file: string, { format, snapshot }: DiskChoice): OpenImage {
  if (format !== undefined && !DRIVERS.some(({ id }) => id === format)) {
    throw new UsageError(`the format "${format}" is not known; these are: ${DRIVERS.map(({ id }) => id).join(', ')}`);
  }
  const session = new Session(createEnvironment(TRUST_ALL), openOne(file), { format });
  try {
    if (snapshot !== undefined) session.stand(session.snapshotNamed(snapshot));
  } catch (error) {
    session.close();
    throw error;
  }
  const names = layerNames(session.chain, file);
  return { session, names, titles: names.map((name) => plain(path.normalize(name))) };
}

/** The disks of an archive of which none was named, where it has several; empty otherwise. @throws DiskError */
export function disksToName(file: string): readonly string[] {
  const { identity, source } = openDiskFile(file, TRUST_ALL);
  source.close();
  const { disks = [], path: archive } = identity.archive ?? {};
  return identity.path === archive && disks.length > 1 ? disks : [];
}

/** @throws DiskError where it is not known which of several disks is meant */
function openOne(file: string): OpenedSource {
  const several = disksToName(file);
  if (several.length === 0) return openDiskFile(file, TRUST_ALL);
  throw new DiskError(
    'refused',
    `this archive has ${several.length} disks`,
    { file },
    `Name one of them: ${several.map((name) => `${file}:${name}`).join(', ')}.`,
  );
}

/**
 * Tells on stderr what makes an answer less than it should be, where stdout has the answer alone.
 * @param failures of reading layers, by their depth
 */
export function tellFindings(
  open: Pick<OpenImage, 'session' | 'titles'>,
  failures?: ReadonlyMap<number, Finding>,
): void {
  const isGrave = ({ severity, code }: Finding): boolean => severity === 'error' || code === 'holes-unknown';
  for (const line of findingsOf(open, isGrave, failures)) tell(line);
}

/** Tells on stderr the warnings and errors of disks, of a layer that several of them stand on once. */
export function tellDoubts(disks: readonly Pick<OpenImage, 'session' | 'titles'>[]): void {
  const isDoubt = ({ severity, code }: Finding): boolean => severity !== 'info' || code === 'holes-unknown';
  for (const line of new Set(disks.flatMap((open) => findingsOf(open, isDoubt)))) tell(line);
}

function findingsOf(
  { session, titles }: Pick<OpenImage, 'session' | 'titles'>,
  isTold: (finding: Finding) => boolean,
  failures: ReadonlyMap<number, Finding> = new Map(),
): string[] {
  return session.chain.layers.flatMap(({ depth }) => {
    const failure = failures.get(depth);
    return [...session.findings(depth), ...(failure ? [failure] : [])]
      .filter(isTold)
      .map((finding) => `${titles[depth] ?? ''}: ${findingSentence(finding)}`);
  });
}

/** What the platforms that made the layers call them, by depth. */
export function storiesOf({ session }: Pick<OpenImage, 'session'>): readonly (LayerStory | undefined)[] {
  const paths = session.chain.layers.map(({ identity }) => identity.path);
  const stories = platformStories(paths, TRUST_ALL);
  return paths.map((file) => stories.get(file));
}

/** Scans all layers, telling how far it is. */
export async function scan({ session, titles }: OpenImage): Promise<Picture> {
  const line = new ProgressLine();
  const picture = session.newPicture();
  try {
    const progress = ({ done, total }: Progress): void => {
      line.update(`reading the map of ${titles[0] ?? ''}: ${percent(done, total)} %`);
    };
    const results = await scanPicture({ session, picture, policy: TRUST_ALL, token: new StopToken(), progress });
    if (results) session.scanned(session.from, results);
    return picture;
  } finally {
    line.clear();
  }
}

export const percent = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));
