import { noise } from '../../fixtures/build/index';
import type { SparseImage } from '../../fixtures/build/index';
import { buildParallels } from '../../fixtures/build/parallels';
import { buildQcow1 } from '../../fixtures/build/qcow1';
import { buildVdi, type VdiBlock } from '../../fixtures/build/vdi';
import { buildVhd, type VhdBlock } from '../../fixtures/build/vhd';
import { buildVhdx, type VhdxBlock } from '../../fixtures/build/vhdx';
import { buildHosted, descriptor, extentLine, type VmdkGrain } from '../../fixtures/build/vmdk';
import type { Draw } from '../../support/random';
import type { Case } from '../cases';

const SECTOR = 512;
const MIB = 2 ** 20;

type Build = (draw: Draw) => SparseImage;

const one =
  (format: string, build: Build) =>
  (draw: Draw): Case => ({ leaf: 'disk', files: new Map([['disk', build(draw)]]), format });

/** Some blocks of a disk that has `count` of them, each of a few bytes that are not zero. */
function some<T>(draw: Draw, count: number, block: (bytes: Uint8Array) => T): Map<number, T> {
  return new Map(Array.from({ length: draw.below(12) }, () => [draw.below(count), block(noise(draw.below(99), 64))]));
}

function vdi(draw: Draw): SparseImage {
  const blockSize = 2 ** draw.between(9, 20);
  const count = draw.between(1, 40);
  const blocks = some<VdiBlock>(draw, count, (bytes) => (draw.chance(0.2) ? 'discarded' : bytes));
  const stored = [...blocks].filter(([, block]) => block !== 'discarded').map(([index]) => index);
  return buildVdi({
    size: Math.max(SECTOR, count * blockSize - SECTOR * draw.below(blockSize / SECTOR)),
    blockSize,
    blocks,
    order: draw.shuffle(stored),
    ...(draw.chance(0.15) ? { version: 'first' as const } : {}),
    ...(draw.chance(0.2) ? { blockExtra: SECTOR } : {}),
  }).image;
}

function vhd(draw: Draw): SparseImage {
  const blockSize = 2 ** draw.between(12, 21);
  const count = draw.between(1, 20);
  const blocks = some<VhdBlock>(draw, count, (bytes) => {
    const whole = new Uint8Array(blockSize);
    whole.set(bytes);
    return draw.chance(0.5) ? { bytes: whole } : { bytes: whole, holds: (sector) => sector % 3 === 0 };
  });
  const type = draw.pick(['fixed', 'dynamic', 'dynamic'] as const);
  const size = count * blockSize;
  return buildVhd(type === 'fixed' ? { size, type } : { size, type, blockSize, blocks }).image;
}

function vhdx(draw: Draw): SparseImage {
  const count = draw.between(1, 12);
  const blocks = some<VhdxBlock>(draw, count, (bytes) =>
    draw.chance(0.3) ? { is: 'state', state: draw.below(4) } : { is: 'present', bytes },
  );
  return buildVhdx({ size: count * MIB, blockSize: MIB, blocks, logicalSector: draw.pick([SECTOR, 4096]) }).image;
}

function parallels(draw: Draw): SparseImage {
  const clusterSectors = draw.pick([8, 63, 128, 2048]);
  const count = draw.between(1, 30);
  const clusters = some(draw, count, (bytes) => bytes);
  const counts = draw.pick(['sectors', 'clusters'] as const);
  return buildParallels({ counts, sectors: count * clusterSectors - draw.below(8), clusterSectors, clusters }).image;
}

function qcow(draw: Draw): SparseImage {
  const clusterBits = draw.pick([9, 12, 16]);
  const l2Bits = draw.between(6, 9);
  const count = draw.between(1, 200);
  const clusters = some(draw, count, (bytes) => bytes);
  return buildQcow1({ size: count * 2 ** clusterBits - draw.below(2) * SECTOR, clusterBits, l2Bits, clusters }).image;
}

function vmdk(draw: Draw): SparseImage {
  const grainSize = SECTOR * draw.pick([8, 16, 24, 128]);
  const count = draw.between(1, 60);
  const size = count * grainSize;
  const grains = some<VmdkGrain>(draw, count, (bytes) => (draw.chance(0.2) ? 'zero' : bytes));
  const compressed = draw.chance(0.4) ? { compressed: draw.pick(['markers', 'footer', 'bare'] as const) } : {};
  const createType = 'compressed' in compressed ? 'streamOptimized' : 'monolithicSparse';
  const text = descriptor({ createType, extents: [extentLine(size, 'SPARSE', 'disk')] });
  return buildHosted({ size, grainSize, grains, descriptor: text, redundant: draw.chance(0.5), ...compressed }).image;
}

/** Whole images of formats that have a builder, by driver id. */
export const BUILDERS: Readonly<Record<string, (draw: Draw) => Case>> = {
  qcow: one('qcow', qcow),
  vmdk: one('vmdk', vmdk),
  vdi: one('vdi', vdi),
  vpc: one('vpc', vhd),
  vhdx: one('vhdx', vhdx),
  parallels: one('parallels', parallels),
};
