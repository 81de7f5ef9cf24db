import * as path from 'node:path';
import type { Diagnosis, LayerStory, VolumeHeader } from '../core';
import { storageFindings } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { realPath, TRUST_ALL } from './gate';
import { HostFiles, native, posix } from './hostFiles';
import { survey } from './survey';

export { storageDomainOf } from './storageDomain';
export { platformStories } from './stories';

/** What the platforms that made images say of them, and what is wrong with their storage. */

/**
 * Everything that is wrong with an oVirt or RHV storage domain, gravest first. Writes nothing.
 * @param folder a domain, a folder or file in one (an image: that one alone), or a mount that holds domains
 */
export function platformFindings(folder: string, policy: GatePolicy = TRUST_ALL): readonly Diagnosis[] {
  const headersOf = (paths: readonly string[]): ReadonlyMap<string, VolumeHeader> => {
    const { images } = survey(paths.map(native), policy, new Map(paths.map((file) => [native(file), VOLUME])));
    return new Map(images.map(({ path: file, ...header }) => [posix(file), header]));
  };
  const found = [...storageFindings(new HostFiles(policy), posix(realPath(path.resolve(folder))), headersOf)];
  return found.map((each) => ({ ...each, path: native(each.path) })).sort(byGravity);
}

/** What nothing else recognises is taken as a raw disk; names are not needed here. */
const VOLUME: LayerStory = { platform: 'oVirt', format: 'raw' };

const GRAVITY = { error: 0, warning: 1, info: 2 } as const;
const byGravity = (a: Diagnosis, b: Diagnosis): number => GRAVITY[a.severity] - GRAVITY[b.severity];
