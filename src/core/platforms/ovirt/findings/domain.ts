import type { Diagnosis } from '../../../snapshots/model';
import { formatBytes } from '../../../units';
import type { PlatformFiles } from '../../files';
import { join, nameOf } from '../../paths';
import type { Domain } from '../domain';
import { isUuid } from '../domain';
import { ASK_SUPPORT, diagnosis } from './words';

/** What is wrong with the domain's own metadata. */
export function* metadataFindings(domain: Domain): Generator<Diagnosis> {
  const path = join(domain.root, 'dom_md', 'metadata');
  const metadata = domain.metadata();
  if (!metadata) {
    yield diagnosis('domain-metadata', 'error', path, 'the storage domain’s metadata is missing or can’t be read', {
      meaning: 'The engine can’t attach this domain. Its volumes are not touched by that.',
      certainty: 'likely',
      advice: 'Look with an account that may read it (vdsm or root) before anything is concluded.',
    });
    return;
  }
  if (metadata.checksumFits === false) {
    yield diagnosis('domain-checksum', 'error', path, 'the storage domain’s metadata does not fit its checksum', {
      meaning: 'Somebody changed it by hand, or a write to it was interrupted: the engine refuses the domain.',
      advice: ASK_SUPPORT,
    });
  } else if (metadata.checksumFits === undefined) {
    yield diagnosis('domain-checksum', 'error', path, 'the storage domain’s metadata has no checksum', {
      meaning: 'It was cut short or written by hand: the engine refuses the domain.',
      advice: ASK_SUPPORT,
    });
  }
  const folder = nameOf(domain.root).toLowerCase();
  if (isUuid(folder) && metadata.uuid !== folder) {
    yield diagnosis(
      'domain-uuid',
      'error',
      path,
      `the storage domain says it is ${metadata.uuid}, and its folder has another name`,
      {
        meaning: 'The folder was renamed or copied: the engine looks for a domain by the name of its folder.',
        advice: 'Give the folder its own name again.',
      },
    );
  }
}

const REMOVED = /^_remove_me_(ZERO_)?/;

/** What interrupted removals and changes left. */
export function* leftoverFindings(domain: Domain, files: PlatformFiles): Generator<Diagnosis> {
  const seen = new Set<string>();
  for (const name of domain.imageNames()) {
    const [, zero] = REMOVED.exec(name) ?? [];
    if (!REMOVED.test(name)) continue;
    const path = join(domain.imagesFolder, name);
    const freed = bytesOnlyIn(path, files, seen);
    yield diagnosis(
      'removed-image',
      'warning',
      path,
      `a removed disk is still there${zero === undefined ? '' : ', to be overwritten with zeros first'}; it takes ${formatBytes(freed)}`,
      {
        meaning:
          'Its removal was begun and did not finish. The engine no longer knows this disk; what is left only takes space.',
        certainty: 'likely',
        advice:
          'Make sure in the engine that no removal is running, then have an administrator of the storage remove it.',
      },
    );
  }
}

/** `.meta.new`: how vdsm replaces a `.meta` file. */
export function* changeLeftovers(leftovers: readonly string[]): Generator<Diagnosis> {
  for (const path of leftovers) {
    yield diagnosis(
      'meta-leftover',
      'warning',
      path,
      'a change of the volume’s metadata did not finish: its new .meta file was never put in place',
      {
        meaning: 'The .meta file beside it is the one that counts; this one may say what the engine was about to do.',
        advice: 'Compare the two; the engine overwrites this one with its next change.',
      },
    );
  }
}

/** Bytes that removing a folder would free: each file once, and none that has a name elsewhere (a template). */
function bytesOnlyIn(folder: string, files: PlatformFiles, seen: Set<string>): number {
  const names = new Map<string, { readonly here: number; readonly all: number; readonly bytes: number }>();
  for (const name of files.list(folder) ?? []) {
    const facts = files.stat(join(folder, name));
    if (facts?.kind !== 'file' || seen.has(facts.id)) continue;
    const here = (names.get(facts.id)?.here ?? 0) + 1;
    names.set(facts.id, { here, all: facts.names, bytes: facts.diskUsage });
  }
  let sum = 0;
  for (const [id, { here, all, bytes }] of names) {
    seen.add(id);
    if (here >= all) sum += bytes;
  }
  return sum;
}
