import type { Qcow2Spec } from '../fixtures/build/index';
import { buildQcow2, data, noise, zero } from '../fixtures/build/index';
import type { Pattern } from '../support/patternImage';
import { PatternImage } from '../support/patternImage';
import type { Draw } from '../support/random';

const MIB = 2 ** 20;
const L1_BYTES = 32 * MIB;
/** Where what is huge lies: past all that is small. */
const FAR = 2 ** 32;
const WORD = 8;

const word = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(WORD);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return bytes;
};

/** An image with tables as large as they may be, of a file that says it has up to 2^53 bytes and holds next to none. */
export function drawGiant(
  draw: Draw,
  parent: string | undefined,
  clusterBits = draw.pick([9, 12, 16, 21]),
): PatternImage {
  const spec: Qcow2Spec = {
    size: 2 ** (clusterBits + 4),
    clusterBits,
    clusters: new Map([
      [0, data(noise(1, 64))],
      [3, zero()],
      [5, data(noise(2, 64))],
    ]),
    ...(draw.chance(0.3) && clusterBits >= 14 ? { extendedL2: true } : {}),
    ...(parent === undefined ? {} : { backing: parent, backingFormat: 'qcow2' }),
    snapshots: [{ id: '1', name: 'one', clusters: new Map() }],
    bitmaps: [{ name: 'b', granularityBits: 16, dirty: [] }],
  };
  const { image, layout } = buildQcow2(spec);
  const patterns: Pattern[] = [];
  for (let kinds = draw.pick([1, 1, 1, 2, 4]); kinds > 0; kinds -= 1) {
    const place = FAR + patterns.length * 2 ** 30;
    switch (draw.below(6)) {
      case 0: // Every L1 entry is the same table.
        patterns.push({ offset: place, length: L1_BYTES, piece: word(BigInt(layout.l2Table(0) ?? 0)) });
        image
          .pokeU32(36, L1_BYTES / WORD)
          .pokeU64(40, BigInt(place))
          .pokeU64(24, drawSize(draw));
        break;
      case 1: // Every L1 entry is another table, in a hole or in a table's pattern.
        patterns.push({ offset: place, length: L1_BYTES, piece: word(2n ** 40n), step: BigInt(layout.clusterSize) });
        if (draw.chance(0.5)) {
          const piece = draw.pick([
            word(1n),
            word(BigInt(layout.clusterSize)),
            word((1n << 62n) | 77n),
            draw.bytes(64),
          ]);
          patterns.push({ offset: 2 ** 40, length: 2 ** 45, piece });
        }
        image
          .pokeU32(36, L1_BYTES / WORD)
          .pokeU64(40, BigInt(place))
          .pokeU64(24, drawSize(draw));
        break;
      case 2: {
        // As many snapshots as may be, all of one L1 table that is as large as may be.
        const entry = image.peek(layout.snapshots[0]?.entry ?? 0, 64);
        const view = new DataView(entry.buffer);
        view.setBigUint64(0, BigInt(draw.chance(0.5) ? place + 2 ** 29 : (layout.snapshots[0]?.l1 ?? 0)));
        view.setUint32(8, L1_BYTES / WORD);
        view.setBigUint64(48, drawSize(draw));
        patterns.push({ offset: place, length: 65_536 * 64, piece: entry });
        patterns.push({ offset: place + 2 ** 29, length: L1_BYTES, piece: word(BigInt(layout.l2Table(0) ?? 0)) });
        image.pokeU32(60, 65_536).pokeU64(64, BigInt(place));
        break;
      }
      case 3: {
        // The largest refcount table, of one block or of many.
        const step = draw.chance(0.5) ? { step: BigInt(layout.clusterSize) } : {};
        const block = BigInt([...layout.refcountBlocks.values()][0] ?? 0);
        patterns.push({ offset: place, length: 8 * MIB, piece: word(block), ...step });
        image.pokeU64(48, BigInt(place)).pokeU32(56, Math.max(1, (8 * MIB) / layout.clusterSize));
        break;
      }
      case 4: {
        // The largest bitmap directory.
        const entry = image.peek(layout.bitmaps[0]?.entry ?? 0, 32);
        patterns.push({ offset: place, length: 65_535 * 32, piece: entry });
        const extension = layout.extensions.get(0x23852875) ?? 0;
        image
          .pokeU32(extension + 8, 65_535)
          .pokeU64(extension + 16, 65_535n * 32n)
          .pokeU64(extension + 24, BigInt(place));
        break;
      }
      default: // The largest L1 table, all of it a hole.
        image
          .pokeU32(36, L1_BYTES / WORD)
          .pokeU64(40, BigInt(place))
          .pokeU64(24, drawSize(draw));
    }
  }
  const size = draw.pick([image.size, FAR + 2 ** 20, 2 ** 40, 2 ** 46, 2 ** 53 - 512, 2 ** 53 - 1]);
  return new PatternImage(Math.max(size, image.size), image.chunks(), patterns);
}

const drawSize = (draw: Draw): bigint => draw.pick([2n ** 20n, 2n ** 40n, 2n ** 50n, 2n ** 53n - 512n, 2n ** 53n - 1n]);
