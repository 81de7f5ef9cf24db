import { DiskError } from '../errors';
import type { ByteSource } from '../model';
import type { Driver } from './driver';
import { foreignFormat } from './foreign';
import { luks } from './luks';
import { parallels } from './parallels';
import { probeInput } from './probeInput';
import { qcow1 } from './qcow1';
import { qcow2 } from './qcow2';
import { qed } from './qed';
import { raw } from './raw';
import { vdi } from './vdi';
import { vhd } from './vhd';
import { vhdx } from './vhdx';
import { vmdk } from './vmdk';

/** Every format, in the order in which they are asked; raw takes what nobody else wants. */
export const DRIVERS: readonly Driver[] = [qcow2, qcow1, qed, vmdk, vdi, vhdx, parallels, luks, vhd, raw];

/** Other names under which images record the format of a raw parent. */
const RAW_ALIASES: ReadonlySet<string> = new Set(['file', 'host_device', 'host_cdrom']);

export function driverNamed(format: string): Driver | undefined {
  return RAW_ALIASES.has(format) ? raw : DRIVERS.find(({ id }) => id === format);
}

/**
 * The first driver that knows the bytes.
 * @throws DiskError `unsupported` for a disk image of a format without a driver; `io`
 */
export function probe(source: ByteSource): Driver {
  const input = probeInput(source);
  const driver = DRIVERS.find((candidate) => candidate.probe(input)) ?? raw;
  const foreign = driver === raw ? foreignFormat(input) : undefined;
  if (foreign === undefined) return driver;
  throw new DiskError(
    'unsupported',
    `this is ${foreign}, a format that is not read here`,
    { offset: 0 },
    'Convert it: qemu-img convert -O qcow2.',
  );
}
