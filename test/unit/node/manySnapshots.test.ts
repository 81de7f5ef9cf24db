/** As many snapshots as QEMU allows: the first thousand are told, and how many more there are. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ImageServer } from '../../../src/node/imageServer';
import { TRUST_ALL } from '../../../src/node/gate';
import { survey } from '../../../src/node/survey';
import { buildQcow2, SparseImage, writeImage } from '../../fixtures/build/index';
import { withTempFolder } from '../../support/temp';

const COUNT = 65_536;
const ENTRY_BYTES = 64;

describe('an image with 65,536 snapshots', () => {
  /** All of one L1 table, ids and names alike. */
  const build = (): SparseImage => {
    const snapshot = { id: '1', name: 'foo', clusters: new Map() };
    const { image, layout } = buildQcow2({ size: 2 ** 20, snapshots: [snapshot] });
    const table = 2 ** 20;
    const piece = image.peek(layout.snapshots[0]?.entry ?? 0, ENTRY_BYTES);
    image.pokeU32(60, COUNT).pokeU64(64, BigInt(table));
    const chunks = [...image.chunks(), { offset: table, bytes: repeated(piece, COUNT) }];
    return new SparseImage(table + COUNT * ENTRY_BYTES, chunks);
  };
  const repeated = (piece: Uint8Array, times: number): Uint8Array => {
    const bytes = new Uint8Array(piece.length * times);
    for (let i = 0; i < times; i += 1) bytes.set(piece, i * piece.length);
    return bytes;
  };

  it('lists a thousand and counts the rest, in the editor and in the tree', () => {
    withTempFolder('snapshots', (folder) => {
      const path = join(folder, 'many.qcow2');
      writeImage(path, build());
      const server = new ImageServer(() => undefined);
      const opened = server.open({ path, policy: TRUST_ALL, forceRaw: false });
      assert(opened.kind === 'image');
      for (const layer of [opened.summary.layers[0], survey([path], TRUST_ALL).images[0]]) {
        assert.equal(layer?.views.length, 1001);
        const told = layer.findings.map(({ code, message }) => [code, message]);
        assert.deepEqual(told, [
          ['snapshots-cut', 'the image has 65536 snapshots: the first 1000 are listed, 64536 more are not'],
        ]);
      }
      server.open({ path: join(folder, 'gone'), policy: TRUST_ALL, forceRaw: false });
    });
  });
});
