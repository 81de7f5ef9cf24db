import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ChainSpec } from '../bench/inputs/chains';
import { CHAINS, writeChainLayer } from '../bench/inputs/chains';
import { buildDataChain, STORED } from '../bench/inputs/dataChains';
import { patternOf } from '../bench/inputs/patterns';
import { lacksQemu, qemuImg, qemuMap } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';

const CLUSTER = 2 ** 16;
const GIB = 2 ** 30;

/** Figures of the bench count only when its inputs are what they are said to be: qemu-img says so of smaller ones. */
describe('the inputs of the bench', () => {
  if (lacksQemu()) return;
  let folder: string;
  beforeEach(() => (folder = makeTempFolder('bench')));
  afterEach(() => removeFolder(folder));

  for (const spec of CHAINS) {
    it(`${spec.name} is mapped as its patterns say`, () => {
      // As much smaller as leaves it some tables.
      const small = { ...spec, size: spec.name === 'B' ? 128 * GIB : 2 * GIB };
      spec.layers.forEach((_, depth) => {
        const backing = depth + 1 < spec.layers.length ? `${depth + 1}.qcow2` : undefined;
        writeChainLayer(join(folder, `${depth}.qcow2`), small, depth, backing);
      });
      const mapped = new Array<number>(spec.layers.length).fill(0);
      let compressed = 0;
      for (const entry of qemuMap(folder, '0.qcow2')) {
        if (entry.present) mapped[entry.depth]! += entry.length;
        if (entry.compressed) compressed += entry.length;
      }
      const all = mapped.reduce((sum, bytes) => sum + bytes, 0);
      assert.equal(compressed, spec.compression ? all : 0);
      const owned = ownedByPatterns(small);
      if (!spec.extendedL2) {
        assert.deepEqual(mapped, owned);
        return;
      }
      // Of each cluster the newest layer has a part at least; what it lacks, the base may have.
      const share = mapped[0]! / owned[0]!;
      assert.ok(share > 0.85 && share < 0.95, `a fifth of the leaf’s clusters is there in part: ${share}`);
    });
  }

  for (const stored of STORED) {
    it(`the ${stored} chain reads as the others do`, async () => {
      const [plain, image] = [
        await buildDataChain(folder, 'plain', GIB / 8),
        await buildDataChain(folder, stored, GIB / 8),
      ];
      assert.match(qemuImg(folder, 'compare', plain, image), /identical/);
      const held = qemuMap(folder, image).filter(({ present }) => present);
      const share = held.reduce((sum, { length }) => sum + length, 0) / (GIB / 8);
      assert.ok(share > 0.4 && share < 0.6, `the data is ${share} of the disk`);
      assert.equal(
        held.every(({ compressed }) => compressed === (stored !== 'plain')),
        true,
      );
    });
  }
});

/** Bytes that each layer answers for, told cluster by cluster. */
function ownedByPatterns({ size, layers, extendedL2 }: ChainSpec): number[] {
  const entries = CLUSTER / (extendedL2 ? 16 : 8);
  const patterns = layers.map(({ pattern, seed }) => patternOf(pattern, seed));
  const tables = patterns.map(() => new Uint8Array(entries));
  const owned = layers.map(() => 0);
  for (let start = 0; start < size; start += entries * CLUSTER) {
    patterns.forEach((pattern, depth) => pattern(tables[depth]!));
    for (let i = 0; i < entries && start + i * CLUSTER < size; i += 1) {
      const owner = tables.findIndex((table) => table[i] === 1);
      if (owner >= 0) owned[owner]! += CLUSTER;
    }
  }
  return owned;
}
