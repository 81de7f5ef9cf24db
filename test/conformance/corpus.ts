/** Real images that others made: an archive beside the repository, which a copy of the repository alone need not have. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { repositoryRoot } from '../support/root';
import { makeTempFolder, removeFolder } from '../support/temp';

export const SHARED = resolve(repositoryRoot(), '..', 'shared');
export const ARCHIVE = join(SHARED, 'corpus', 'images.tar.xz');
const KUBEVIRT = 'kubevirt__containerized-data-importer';
const HOSTILE = `${KUBEVIRT}/invalid_qcow_images`;
/** Their parent was never published. */
const ORPHANS = [`${KUBEVIRT}/cirros-snapshot1.qcow2`, `${KUBEVIRT}/cirros-snapshot2.qcow2`];

const isEncrypted = (file: string): boolean => /\/luks[^/]*\.raw$/.test(file);

export const inCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** Paths below the folder that the archive was unpacked into, with `/`. */
export interface Corpus {
  readonly folder: string;
  /** qcow2 and raw images that can be read whole. */
  readonly images: readonly string[];
  readonly orphans: readonly string[];
  readonly hostile: readonly string[];
  /** LUKS containers, whose content nobody knows. */
  readonly encrypted: readonly string[];
}

/**
 * Unpacks the archive into a folder of its own, which is the caller's to remove.
 * @returns undefined where it is not there or can't be unpacked
 * @throws where that may not be: on a machine that checks for others
 */
export function unpackCorpus(): Corpus | undefined {
  if (!existsSync(ARCHIVE)) return undefined;
  const folder = makeTempFolder('corpus');
  const result = spawnSync('tar', ['-xJf', ARCHIVE, '-C', folder], { encoding: 'utf8' });
  if (result.status !== 0) {
    removeFolder(folder);
    // Elsewhere tar or xz may not be there.
    if (inCi) throw new Error(`tar -xJf ${ARCHIVE}: ${result.error?.message ?? result.stderr}`);
    return undefined;
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  return {
    folder,
    images: files.filter((file) => /\.(qcow2|raw)$/.test(file) && !ORPHANS.includes(file) && !isEncrypted(file)),
    encrypted: files.filter(isEncrypted),
    orphans: files.filter((file) => ORPHANS.includes(file)),
    hostile: files.filter((file) => file.startsWith(HOSTILE)),
  };
}
