/** What deleting a layer really did, measured without our own code. */
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { qemuMap } from '../../support/qemu';
import { formatOf } from './family';

const EVENTS = ['mirror_one_iteration', 'qcow2_writev_start_req', 'qcow2_pwrite_zeroes_start_req'] as const;

/** Bytes in use in an image file: clusters that are counted as used; of raw, data. */
export function inUse(folder: string, image: string): number {
  const file = `${folder}/${image}`;
  if (formatOf(image) === 'raw') return rawInUse(folder, image);
  const bytes = readFileSync(file);
  const clusterBits = bytes.readUInt32BE(20);
  const cluster = 2 ** clusterBits;
  const order = bytes.readUInt32BE(4) === 2 ? 4 : bytes.readUInt32BE(96);
  const table = Number(bytes.readBigUInt64BE(48));
  const entries = (bytes.readUInt32BE(56) * cluster) / 8;
  let used = 0;
  for (let entry = 0; entry < entries; entry += 1) {
    const at = table + entry * 8;
    const block = at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at) & ~0x1ffn) : 0;
    if (block === 0) continue;
    used += countUsed(bytes.subarray(block, block + cluster), 2 ** order);
  }
  return used * cluster;
}

function countUsed(block: Uint8Array, bits: number): number {
  let used = 0;
  if (bits < 8) {
    const mask = 2 ** bits - 1;
    for (const byte of block)
      for (let shift = 0; shift < 8; shift += bits) if (((byte >> shift) & mask) !== 0) used += 1;
    return used;
  }
  const width = bits / 8;
  for (let at = 0; at < block.length; at += width) {
    if (block.subarray(at, at + width).some((byte) => byte !== 0)) used += 1;
  }
  return used;
}

/** Whole blocks of 4 KiB: what a file system gives. */
function rawInUse(folder: string, image: string): number {
  const entries = qemuMap(folder, '-f', 'raw', image).filter(({ data }) => data);
  return entries.reduce((sum, { start, length }) => {
    return sum + (Math.ceil((start + length) / 4096) - Math.floor(start / 4096)) * 4096;
  }, 0);
}

/** What a file takes on the host. */
export const taken = (file: string): number => statSync(file).blocks * 512;

/** A qemu-img that tells what it writes, by its own tracing. */
export class TracingTool {
  readonly path: string;
  private readonly log: string;

  constructor(
    folder: string,
    real: string,
    readonly version: string,
  ) {
    this.path = `${folder}/qemu-img-traced`;
    this.log = `${folder}/trace.log`;
    const trace = EVENTS.map((event) => `--trace enable=${event}`).join(' ');
    writeFileSync(
      this.path,
      `#!/bin/sh\n'${real}' ${trace} "$@" 2>>'${this.log}' && exit\nend=$?; tail -1 '${this.log}' >&2; exit $end\n`,
    );
    chmodSync(this.path, 0o755);
  }

  /** Whether this build of it can tell. */
  static works(real: string): boolean {
    const { stdout } = spawnSync(real, ['--trace', 'help'], { encoding: 'utf8' });
    return EVENTS.every((event) => stdout.includes(event));
  }

  /** What it said since it was asked last. */
  said(): string {
    if (!existsSync(this.log)) return '';
    const text = readFileSync(this.log, 'utf8');
    rmSync(this.log);
    return text;
  }
}

/** Bytes of whole clusters that were written to, by what qemu-img told of one image. */
export function movedBytes(said: string, image: string, clusterSize: number): number {
  if (formatOf(image) === 'raw') {
    return [...said.matchAll(/^mirror_one_iteration .* bytes (\d+)$/gm)].reduce(
      (sum, [, bytes]) => sum + Number(bytes),
      0,
    );
  }
  const clusters = new Set<number>();
  for (const [, offset, bytes] of said.matchAll(/^qcow2_writev_start_req .* offset (0x[0-9a-f]+) bytes (\d+)$/gm)) {
    const first = Math.floor(Number(offset) / clusterSize);
    const last = Math.ceil((Number(offset) + Number(bytes)) / clusterSize);
    for (let cluster = first; cluster < last; cluster += 1) clusters.add(cluster);
  }
  return clusters.size * clusterSize;
}

/** The image was not closed in order: incompatible feature bit 0. */
export function isDirty(folder: string, image: string): boolean {
  if (formatOf(image) === 'raw') return false;
  const bytes = readFileSync(`${folder}/${image}`);
  return bytes.readUInt32BE(4) >= 3 && (bytes.readUInt8(79) & 1) !== 0;
}

export function clusterSizeOf(folder: string, image: string): number {
  if (formatOf(image) === 'raw') return 1;
  const head = Buffer.alloc(24);
  const descriptor = openSync(`${folder}/${image}`, 'r');
  readSync(descriptor, head, 0, 24, 0);
  closeSync(descriptor);
  return 2 ** head.readUInt32BE(20);
}
