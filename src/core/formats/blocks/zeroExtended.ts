import { readPadded } from '../../bytes';
import type { ByteSource } from '../../model';
import type { TableSource } from './nestedTables';

/** A file that goes on with zeros behind its end, as QEMU's block layer reads every image: a table may be cut off there. */
export function zeroExtended(source: ByteSource): TableSource {
  const readInto = (target: Uint8Array, position: number): void => {
    readPadded(source, target, position);
  };
  return {
    readInto,
    readEach: (target, positions) => {
      const each = target.length / positions.length;
      const isWhole = positions.every((position) => position + each <= source.size);
      if (isWhole && source.readEach) source.readEach(target, positions);
      else {
        positions.forEach((position, index) => {
          readInto(target.subarray(index * each, (index + 1) * each), position);
        });
      }
    },
  };
}
