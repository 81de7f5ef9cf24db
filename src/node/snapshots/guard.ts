import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Finding } from '../../core';
import { formatBytes, listed } from '../../core';
import type { Family } from '../family';
import type { Use } from '../inUse';
import { useOf } from '../inUse';
import { isNoDisk } from '../noDisk';
import { storageDomainOf } from '../platforms';

/** What has to hold before an image is written to, or a file is made beside it. Each finding is a reason to refuse. */

/** An image that is to be changed in place: in use, of a storage domain, no plain file, not ours to write. */
export async function mayChange(file: string, again = true): Promise<readonly Finding[]> {
  const findings: Finding[] = [...mayLieIn(file)];
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) {
    findings.push(
      refusal('device', `${file} is a device: what is on it belongs to whoever manages it`, 'Use its own tools.'),
    );
  }
  if (stat?.isFile() && stat.nlink > 1) {
    findings.push(
      refusal(
        'hard-links',
        `${file} has ${stat.nlink} names (hard links): what stands on it by another one, or is a copy of it to somebody, would change with it`,
        'Make a copy of its own under this name, or remove the other names; vmdisk doctor tells those that were left by work that was cut off.',
      ),
    );
  }
  const inUse = useFinding(file, await useOf(file, again));
  if (inUse) findings.push(inUse);
  if (!isWritable(file)) {
    findings.push(refusal('read-only', `there is no permission to write to ${file}`, 'Use an account that may.'));
  }
  return findings;
}

/** Removing a link would leave the file, and a name in an image counts from the folder that the link is in. */
export function isNoLink(file: string): readonly Finding[] {
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return [];
  return [refusal('link', `${file} is a link to another file`, 'Name the file itself.')];
}

/** Where not all could be seen that may stand on what changes or goes. */
export function unseen({ incomplete, unusable, folders }: Family): readonly Finding[] {
  if (incomplete) {
    return [
      refusal(
        'folder-too-large',
        `not all of ${folders.join(', ')} could be looked through: there are too many files, or there is no permission`,
        'Move the images to a folder of their own.',
      ),
    ];
  }
  const [first] = unusable.filter(({ path: file, format }) => format !== undefined || mayBeDisk(file));
  if (!first) return [];
  const what = first.format === undefined ? 'a file' : `a ${first.format} image`;
  return [
    refusal(
      'unreadable-neighbour',
      `${first.path} is ${what} that can't be read (${first.error.message}): it may stand on what changes or goes`,
      'Mend it, move it away, or use an account that may read it.',
    ),
  ];
}

/** A file that is there and can't be opened: after a VM has used an image, it may belong to another account. */
function mayBeDisk(file: string): boolean {
  // A name that is no valid text can't be opened by it.
  if (file.includes('\ufffd')) return true;
  return !isNoDisk(file) && fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** A file that some image keeps its data in. @param id of the file */
export function holdsData(file: string, id: string, { holders }: Family): readonly Finding[] {
  return holders
    .filter((holder) => holder.id === id)
    .slice(0, 1)
    .map(({ image }) => refusal('holds-data', `${image} keeps its data in ${file}, and would lose it`));
}

/** Why an image is not changed while somebody else has it open. */
export function useFinding(file: string, { state, by }: Use): Finding | undefined {
  if (state === 'free' || state === 'unknown') return undefined;
  const who = by.length === 0 ? 'another process' : by.join(', ');
  const how = state === 'written' ? 'open for writing' : 'open';
  return refusal('in-use', `${file} is ${how} by ${who}`, SHUT_DOWN);
}

const SHUT_DOWN =
  'Shut the VM down first. While it runs, only its own manager (libvirt, Proxmox VE, oVirt …) can do this.';

/** Changes lately, by whom is not known: nothing to refuse, but to know. All files in one finding. */
export function lateChanges(uses: readonly (readonly [file: string, use: Use])[]): readonly Finding[] {
  const late = uses.flatMap(([file, { state, changedAgo }]) => {
    return state === 'written' || changedAgo === undefined ? [] : [{ file, changedAgo }];
  });
  const [first] = late;
  if (!first) return [];
  const ago = agoText(Math.min(...late.map(({ changedAgo }) => changedAgo)));
  const files = filesListed(late.map(({ file }) => file));
  const isOne = late.length === 1;
  return [
    {
      code: 'changed-lately',
      severity: 'warning',
      message: isOne ? `${first.file} changed ${ago}` : `${files} changed lately, the last of them ${ago}`,
      advice: `Make sure that no VM on this or another machine is using ${isOne ? 'it' : 'them'}: only locks of this machine can be seen.`,
    },
  ];
}

/** Files, those by their names alone that lie in the folder of the first. */
export function filesListed(files: readonly string[]): string {
  const [first = ''] = files;
  const beside = (file: string): boolean => path.dirname(file) === path.dirname(first);
  return listed(files.map((file) => (file !== first && beside(file) ? path.basename(file) : file)));
}

function agoText(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds === 1) return '1 second ago';
  return seconds < 120 ? `${seconds} seconds ago` : `${Math.round(seconds / 60)} minutes ago`;
}

/** A folder that files may be made and removed in. @param file one that lies in it, or is to */
export function mayLieIn(file: string): readonly Finding[] {
  const folder = path.dirname(file);
  const domain = storageDomainOf(file);
  if (domain !== undefined) {
    return [
      refusal(
        'storage-domain',
        `${file} lies in the storage domain ${domain}, whose engine keeps its own account of every volume`,
        'Nothing is written there. Do it in the engine, or make a scratch overlay in a folder outside.',
      ),
    ];
  }
  if (!isWritable(folder)) {
    return [refusal('read-only', `there is no permission to make files in ${folder}`, 'Choose another folder.')];
  }
  return [];
}

/** Room on the file system of a folder, in bytes, for whoever is not root. */
export function freeSpace(folder: string): number | undefined {
  try {
    const { bavail, bsize } = fs.statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

export function noRoom(folder: string, needed: number, free: number): Finding {
  return refusal(
    'no-space',
    `it needs ${formatBytes(needed)} in ${folder}, where ${formatBytes(free)} are free`,
    'Make room first.',
  );
}

export function refusal(code: string, message: string, advice?: string): Finding {
  return { code, severity: 'error', message, advice };
}

function isWritable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
