import * as path from 'node:path';
import type { Chain, Compressor, Job, Side, Target } from '../../core';
import { DiskError, firstLost, flatten as flattenDisk, Session, verify } from '../../core';
import type { FlattenParams, FlattenResult, GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import { fileId } from '../fileId';
import { openFile } from '../files';
import { NewFile } from '../newFile';
import { flattenTogether, threadsFor } from './flattenTogether';

/** A flattened copy that is asked for; its compressor is ready (`compressorOf`). */
export interface FlattenJob extends Omit<FlattenParams, 'compression'> {
  readonly compressor?: Compressor | undefined;
  /** By which the session's chain was opened. */
  readonly policy: GatePolicy;
  /** How many threads write a raw image; as many as pay when left out. */
  readonly threads?: number | undefined;
}

/**
 * Writes the guest's bytes, from a session's standpoint, to a new image. A job to be run in slices; dropping it leaves no
 * file. Whoever runs it has awaited `codecsReady`.
 * @throws DiskError as the core's `flatten` and `verify` do, `refused` for a target that is not to be written to, and
 * `short-read` when a file of the chain was cut short
 */
export function* flatten(session: Session, job: FlattenJob): Job<FlattenResult> {
  const target = path.resolve(job.target);
  assertNotOfChain(session.chain, target);
  const file = new NewFile(target, { replace: job.replace });
  try {
    const disk = session;
    const parts = job.verify ? 2 : 1;
    // Nothing is copied meanwhile.
    for (const { total } of look(disk, job)) yield { done: 0, total: parts * total };
    yield* part(write(disk, file, job), 0, parts);
    if (job.verify) yield* part(verifyFile(disk, file, job.format), 1, parts);
    const { size, diskUsage } = file.commit();
    return { guestSize: disk.from.view.guestSize, fileSize: size, diskUsage };
  } finally {
    file.abandon();
  }
}

function write(disk: Session, file: NewFile, job: FlattenJob): Job<void> {
  const kind = kindOf(job);
  const threads = kind.format === 'raw' ? (job.threads ?? threadsFor(disk)) : 1;
  return threads > 1 ? flattenTogether(disk, file, job.policy, threads) : flattenDisk(disk, file, kind);
}

/**
 * Reads all tables, which takes little beside the data, to learn whether a file of the disk ends too early: a VM reads zeros
 * there, which nobody could tell from data in a copy. @throws DiskError `short-read`, before anything is written in vain
 */
function* look(disk: Session, { salvage }: FlattenJob): Job<void> {
  if (salvage) return;
  const lost = yield* firstLost(disk);
  if (!lost) return;
  const { offset, depth, isTable, holder } = lost;
  throw new DiskError(
    'short-read',
    `guest byte ${offset} can't be known: the file ends before ${isTable ? 'the table that maps it' : 'its data does'}`,
    { file: holder ?? disk.chain.layers[depth]?.identity.path },
    'No copy was made. Copy the file anew from where it came; vmdisk convert --salvage takes zeros for what is missing.',
  );
}

/** One of several equal parts of the work. */
function* part(job: Job<void>, index: number, parts: number): Job<void> {
  for (const { done, total } of job) yield { done: index * total + done, total: parts * total };
}

function kindOf({ format, compressor }: FlattenJob): Target {
  if (format === 'qcow2') return { format, compressor };
  if (compressor) throw new DiskError('unsupported', "a raw image can't be compressed", {}, 'Choose qcow2.');
  return { format };
}

/** A copy stands by itself: it names no other file, and no program is asked about it. */
const ALONE: GatePolicy = { folders: [], allowed: [], platformTools: false };

function* verifyFile(disk: Side, file: NewFile, format: string): Job<void> {
  const copy = new Session(createEnvironment(ALONE), openFile(file.temporary, ALONE), { format });
  try {
    yield* verify(disk, copy);
  } catch (error) {
    throw error instanceof DiskError ? error.in({ id: '', path: file.target }) : error;
  } finally {
    copy.close();
  }
}

/** A file that the chain reads, or would read if it were there, is never what is written. @throws DiskError `refused` */
function assertNotOfChain({ layers, end }: Chain, target: string): void {
  const own = fileId(target);
  const missing = end.kind === 'base' ? [] : [end.name];
  const names = [...layers.flatMap(({ companions }) => companions), ...missing];
  const ids = [...layers.map((layer) => layer.identity.id), ...names.map(fileId)];
  if (names.includes(target) || (own !== undefined && ids.includes(own))) {
    throw new DiskError(
      'refused',
      'this file is part of the disk that is to be copied',
      { file: target },
      'Choose another name.',
    );
  }
}
