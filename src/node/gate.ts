import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileReference, Gate, GateAnswer, ImageIdentity, RefusalReason } from '../core';
import { DiskError } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { openFile, THIS_SYSTEM } from './files';
import { locate } from './hostPath';

/** The command line's policy, and that of a trusted workspace: a person has chosen to open this image. */
export const TRUST_ALL: GatePolicy = { folders: undefined, allowed: [], platformTools: true };

/**
 * The only place where a name written inside an image becomes an open file.
 *
 * - A path counts from the folder of the image that names it.
 * - Regular files are opened; a block device only where the image itself is one.
 * - Outside `policy.folders`, links followed, only what the user has allowed.
 * - A Windows share (`\\server\…`) only where the image lies on it: opening one sends the user's name to the server.
 */
export class FileGate implements Gate {
  constructor(private readonly policy: GatePolicy) {}

  open(reference: FileReference, from: ImageIdentity): GateAnswer {
    const { target, role } = reference;
    if (target.kind === 'refused')
      return refuse(target.reason, reference.written, `${target.message} (named by ${from.path})`);
    const what = role === 'parent' ? 'parent' : 'data file';
    const located = locate(reference, path.dirname(from.path), THIS_SYSTEM);
    if (located.kind === 'elsewhere') {
      return refuse(
        'missing',
        target.path,
        `the ${what} "${target.path}" is a path of another machine: it can't be found here`,
      );
    }
    const { file, findings } = located;
    const refusal = this.judge(file, from, what);
    if (refusal) return refusal;
    try {
      return { ok: true, opened: openFile(file, this.policy), findings };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const reason: RefusalReason =
        error.code === 'not-found' ? 'missing' : error.code === 'refused' ? 'not-a-file' : 'unreadable';
      const problem = reason === 'missing' ? 'is not there' : `can't be opened: ${error.message}`;
      return refuse(reason, file, `the ${what} ${file} ${problem}`);
    }
  }

  private judge(file: string, from: ImageIdentity, what: string): GateAnswer | undefined {
    const { folders, allowed } = this.policy;
    const outside = (why: string): GateAnswer => refuse('outside', file, `the ${what} ${file} ${why}`);
    if (allowed.includes(file)) return undefined;
    if (isShare(file) && shareOf(file) !== shareOf(from.path))
      return outside('is on another computer: it is not opened until you allow it');
    if (
      folders !== undefined &&
      !(this.isInside(file, folders) && this.isInside(realPath(file), folders.map(realPath)))
    ) {
      return outside('is outside the folder, which is not trusted: it is not opened until you allow it');
    }
    if (isBlockDevice(file) && !isBlockDevice(from.path)) {
      return refuse('not-a-file', file, `the ${what} ${file} is a device: an image in a file may not name one`);
    }
    return undefined;
  }

  private isInside(file: string, folders: readonly string[]): boolean {
    return folders.some((folder) => {
      const relative = path.relative(folder, file);
      return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
    });
  }
}

function refuse(reason: RefusalReason, name: string, message: string): GateAnswer {
  return { ok: false, refusal: { reason, name, message } };
}

const isShare = (file: string): boolean => THIS_SYSTEM.windows && file.startsWith('\\\\');
const shareOf = (file: string): string => path.parse(file).root.toLowerCase();

/** Where a name leads once links are followed; of one that leads nowhere, as much as exists. */
function realPath(file: string): string {
  const real = THIS_SYSTEM.real(file);
  if (real !== undefined) return real;
  const parent = path.dirname(file);
  return parent === file ? file : path.join(realPath(parent), path.basename(file));
}

function isBlockDevice(file: string): boolean {
  try {
    return fs.statSync(file).isBlockDevice();
  } catch {
    return false; // Opening it will tell why.
  }
}
