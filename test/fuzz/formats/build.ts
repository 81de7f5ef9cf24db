import { buildVdi, type VdiBlock } from '../../fixtures/build/vdi';
import { noise } from '../../fixtures/build/index';
import type { Draw } from '../../support/random';
import type { Case } from '../cases';

/** Whole images of formats that have a builder, by driver id. */
export const BUILDERS: Readonly<Record<string, (draw: Draw) => Case>> = { vdi: drawVdi };

function drawVdi(draw: Draw): Case {
  const blockSize = 2 ** draw.between(9, 20);
  const count = draw.between(1, 40);
  const blocks = new Map<number, VdiBlock>();
  for (let i = draw.below(12); i > 0; i -= 1) {
    blocks.set(draw.below(count), draw.chance(0.2) ? 'discarded' : noise(draw.below(99), Math.min(blockSize, 64)));
  }
  const stored = [...blocks].filter(([, block]) => block !== 'discarded').map(([index]) => index);
  const { image } = buildVdi({
    size: Math.max(512, count * blockSize - 512 * draw.below(blockSize / 512)),
    blockSize,
    blocks,
    order: draw.shuffle(stored),
    ...(draw.chance(0.15) ? { version: 'first' as const } : {}),
    ...(draw.chance(0.2) ? { blockExtra: 512 } : {}),
  });
  return { leaf: 'disk.vdi', files: new Map([['disk.vdi', image]]), format: 'vdi' };
}
