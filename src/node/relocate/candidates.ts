import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Orphan, ParentCandidate, Suspect } from '../../core';
import { closeChain, DiskError, driverNamed, fileName, openChain, probeInput, rank, sniff, weigh } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecsReady } from '../codecs';
import { createEnvironment } from '../environment';
import { FileGate } from '../gate';
import type { Conduct } from '../snapshots/conduct';
import { fitOf } from './fit';
import { filesToLookAt } from './places';
import type { Mended } from './trial';

/** Candidates that are told. */
const MAX_TOLD = 20;

/** Looks for the parent of an image, best first. @throws DiskError; `AbortError` */
export async function searchParents(
  mended: Mended,
  folders: readonly string[],
  policy: GatePolicy,
  conduct: Conduct,
): Promise<readonly ParentCandidate[]> {
  await codecsReady();
  const orphan: Orphan = { ...mended, made: birthOf(mended.path) };
  const seen = new Set(mended.above);
  const found: ParentCandidate[] = [];
  const files = filesToLookAt(mended, folders, policy);
  for (const [index, file] of files.entries()) {
    conduct.signal?.throwIfAborted();
    // The likeliest places come first.
    if (Date.now() > (conduct.until ?? Infinity)) break;
    conduct.progress?.(`looks at ${path.basename(file)}`, index / files.length);
    const suspect = suspectAt(file, orphan, mended, seen, policy);
    if (!suspect) continue;
    const content = await fitOf(mended, suspect, policy, conduct);
    found.push(weigh(orphan, { ...suspect, content }));
  }
  return rank(found).slice(0, MAX_TOLD);
}

/**
 * What speaks for one file and against it.
 * @returns undefined where that can't be told
 * @throws DiskError; `AbortError`
 */
export async function weighParent(
  mended: Mended,
  file: string,
  policy: GatePolicy,
  conduct: Conduct,
): Promise<ParentCandidate | undefined> {
  await codecsReady();
  const orphan: Orphan = { ...mended, made: birthOf(mended.path) };
  const suspect = suspectAt(file, orphan, mended, new Set(mended.above), policy);
  return suspect && weigh(orphan, { ...suspect, content: await fitOf(mended, suspect, policy, conduct) });
}

/**
 * A file as a suspect, if it can be one: it opens as an image, and neither is the image itself nor stands on it.
 * @param seen ids of files that were looked at
 */
function suspectAt(
  file: string,
  orphan: Orphan,
  mended: Mended,
  seen: Set<string>,
  policy: GatePolicy,
): Omit<Suspect, 'content'> | undefined {
  try {
    const opened = new FileGate(policy).openFound(file);
    const { id } = opened.identity;
    const format = seen.has(id) ? undefined : formatOf(file, opened.source, orphan);
    if (format === undefined) {
      opened.source.close();
      return undefined;
    }
    seen.add(id);
    const chain = openChain(createEnvironment(policy), opened, { format });
    try {
      const [top] = chain.layers;
      if (!top || chain.layers.some(({ identity }) => identity.id === mended.id)) return undefined;
      const { layer, source, identity } = top;
      return {
        path: identity.path,
        format,
        guestSize: layer.guestSize,
        modified: source.modified,
        stands: layer.parent?.written,
        linkIds: layer.linkIds,
      };
    } finally {
      closeChain(chain);
    }
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/** What a file is an image of; one of which no byte tells is one where its size or name is that of the parent. */
function formatOf(
  file: string,
  source: Parameters<typeof probeInput>[0],
  { guestSize, written }: Orphan,
): string | undefined {
  const sniffed = sniff(probeInput(source), path.basename(file));
  if (sniffed.kind === 'image') return driverNamed(sniffed.format)?.id;
  if (sniffed.kind === 'foreign-image' || source.size === 0) return undefined;
  const isNamed = path.basename(file) === fileName(written);
  return source.size === guestSize || (isNamed && source.size % 512 === 0) ? 'raw' : undefined;
}

function birthOf(file: string): number | undefined {
  const { birthtimeMs, mtimeMs } = fs.statSync(file);
  // Where a file system has no such time, it is 0 or another one.
  return birthtimeMs > 0 && birthtimeMs <= mtimeMs + 1 ? birthtimeMs : undefined;
}
