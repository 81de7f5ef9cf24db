import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileReference, Gate, GateAnswer, ImageIdentity, OpenedSource, RefusalReason } from '../core';
import { DiskError } from '../core/errors';
import type { GatePolicy } from '../protocol/worker';
import { openFile, THIS_SYSTEM } from './files';
import { isDeviceName, locate } from './hostPath';
import { findParents } from './parentSearch';

/** The command line's policy, and that of a trusted workspace: a person has chosen to open this image. */
export const TRUST_ALL: GatePolicy = { folders: undefined, allowed: [], platformTools: true };

const ROLES: Readonly<Record<FileReference['role'], string>> = {
  parent: 'parent',
  'data-file': 'data file',
  extent: 'extent',
};

/**
 * The only place where a name that no person has given becomes an open file. It is given by an image, for its parent
 * or its data file, or is found by looking through a workspace.
 *
 * - A path counts from the folder of the image that names it.
 * - Regular files are opened; a block device only where the image itself is one. What the system makes up as it is
 *   read (`/proc`, `/sys`, `/dev`) is nothing that an image may name, by whatever links.
 * - Outside `policy.folders`, links followed, only what the user has allowed.
 * - A Windows share (`\\server\…`) only where the image lies on it: opening one sends the user's name to the server.
 */
export class FileGate implements Gate {
  constructor(private readonly policy: GatePolicy) {}

  open(reference: FileReference, from: ImageIdentity): GateAnswer {
    const { target, role } = reference;
    if (target.kind === 'refused')
      return refuse(target.reason, reference.written, `${target.message} (named by ${from.path})`);
    const what = ROLES[role];
    if (target.kind === 'search') return refuse('malformed', reference.written, `the ${what} has no name to open`);
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
      const opened = openFile(file, this.policy);
      if (this.isStillWithin(file, opened)) return { ok: true, opened, findings };
      opened.source.close();
      return refuse('outside', file, `the ${what} ${file} came to lead elsewhere while it was being opened`);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const reason: RefusalReason =
        error.code === 'not-found' ? 'missing' : error.code === 'refused' ? 'not-a-file' : 'unreadable';
      const problem = reason === 'missing' ? 'is not there' : `can't be opened: ${error.message}`;
      return refuse(reason, file, `the ${what} ${file} ${problem}`);
    }
  }

  find(reference: FileReference, from: ImageIdentity): Iterable<FileReference> {
    return findParents(this, this.policy, reference, from);
  }

  /**
   * Opens a file that was found in the policy's folders. A link there may have come with everything else in them, so
   * where it leads is judged like a name in an image; a file elsewhere was chosen by a person.
   * @throws DiskError `refused`, or as `openFile` does
   */
  openFound(file: string): OpenedSource {
    const { folders } = this.policy;
    const refused = (): DiskError =>
      new DiskError(
        'refused',
        'this is a link that leads out of the folder, which is not trusted: it is not followed',
        { file },
        'Trust the workspace, or open the file itself.',
      );
    if (folders === undefined || !isInside(file, folders)) return openFile(file, this.policy);
    if (!this.isWithin(file)) throw refused();
    const opened = openFile(file, this.policy);
    if (this.isStillWithin(file, opened)) return opened;
    opened.source.close();
    throw refused();
  }

  /**
   * Whether something that nobody has named may be looked at for what it says of an image: in a trusted place anything,
   * else only what lies in the policy's folders, links followed. What the user allowed is a single file, not its folder.
   */
  mayLookAt(file: string): boolean {
    const { folders } = this.policy;
    return folders === undefined || (isInside(file, folders) && isInside(realPath(file), folders.map(realPath)));
  }

  private judge(file: string, from: ImageIdentity, what: string): GateAnswer | undefined {
    const { allowed } = this.policy;
    const outside = (why: string): GateAnswer => refuse('outside', file, `the ${what} ${file} ${why}`);
    const unlike = (why: string): GateAnswer => refuse('not-a-file', file, `the ${what} ${file} ${why}`);
    if (isDeviceName(file, THIS_SYSTEM.windows)) return unlike('is the name of a device');
    if (!allowed.includes(file) && isShare(file) && shareOf(file) !== shareOf(from.path))
      return outside('is on another computer: it is not opened until you allow it');
    if (!this.isWithin(file))
      return outside('is outside the folder, which is not trusted: it is not opened until you allow it');
    if (isOfSystem(file)) return unlike('is no file on a disk: the system makes up what is in it');
    if (allowed.includes(file)) return undefined;
    if (isBlockDevice(file) && !isBlockDevice(from.path)) {
      return unlike('is a device: an image in a file may not name one');
    }
    return undefined;
  }

  /** Whether a name that is within still leads to what was opened by it: a link on the way may have been changed. */
  private isStillWithin(file: string, { identity }: OpenedSource): boolean {
    if (this.policy.folders === undefined) return true;
    try {
      const { dev, ino } = fs.statSync(file, { bigint: true });
      return `${dev}:${ino}` === identity.id && this.isWithin(file);
    } catch {
      return false;
    }
  }

  /** Inside the folders by its name and by where that leads, or allowed. */
  private isWithin(file: string): boolean {
    const { folders, allowed } = this.policy;
    if (folders === undefined || allowed.includes(file)) return true;
    return isInside(file, folders) && isInside(realPath(file), folders.map(realPath));
  }
}

export function isInside(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const relative = path.relative(folder, file);
    return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
  });
}

function refuse(reason: RefusalReason, name: string, message: string): GateAnswer {
  return { ok: false, refusal: { reason, name, message } };
}

const isShare = (file: string): boolean => THIS_SYSTEM.windows && file.startsWith('\\\\');
const shareOf = (file: string): string => path.parse(file).root.toLowerCase();

/** Where a name leads once links are followed; of one that leads nowhere, as much as exists. */
export function realPath(file: string): string {
  const real = THIS_SYSTEM.real(file);
  if (real !== undefined) return real;
  const parent = path.dirname(file);
  return parent === file ? file : path.join(realPath(parent), path.basename(file));
}

/** Linux follows no more links than this. */
const MOST_LINKS = 40;

/**
 * Whether a name, or a link on its way, lies where a system keeps what is no file. `/dev/stdin` leads to
 * `/proc/self/fd/0`, and that to a file that somebody else gave: where it ends does not tell.
 */
function isOfSystem(file: string): boolean {
  if (THIS_SYSTEM.windows) return false;
  let name = file;
  for (let links = 0; links < MOST_LINKS; links += 1) {
    name = path.join(realPath(path.dirname(name)), path.basename(name));
    if (/^\/(?:proc|sys|dev(?!\/shm\/))\//.test(name)) return !isBlockDevice(name);
    const target = linkTarget(name);
    if (target === undefined) return false;
    name = path.resolve(path.dirname(name), target);
  }
  return false; // Opening it will tell of the loop.
}

function linkTarget(file: string): string | undefined {
  try {
    // Of what is no link, reading it would cost an exception for each parent.
    const isLink = fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? fs.readlinkSync(file) : undefined;
  } catch {
    return undefined; // Opening it will tell why.
  }
}

function isBlockDevice(file: string): boolean {
  try {
    return fs.statSync(file).isBlockDevice();
  } catch {
    return false; // Opening it will tell why.
  }
}
