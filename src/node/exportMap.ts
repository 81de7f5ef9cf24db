import type { Chain, QemuMapEntry } from '../core';
import type { MapFormat } from '../protocol/worker';
import { writeNewFile } from './newFile';

/** Text is gathered to pieces of about this many characters before it is written. */
const PIECE = 1 << 16;

interface Shape {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  entry(entry: QemuMapEntry): string;
}

/**
 * Writes a map to a new file: JSON as `qemu-img map` words it, or CSV with the layers' file names.
 * @returns how many entries it has
 */
export function exportMap(entries: Iterable<QemuMapEntry>, chain: Chain, from: number, format: MapFormat, target: string): number {
  const shape = format === 'json' ? JSON_SHAPE : csvShape(chain, from);
  let count = 0;
  writeNewFile(target, (append) => {
    let piece = shape.before;
    for (const entry of entries) {
      piece += (count === 0 ? '' : shape.between) + shape.entry(entry);
      count += 1;
      if (piece.length >= PIECE) {
        append(piece);
        piece = '';
      }
    }
    append(piece + shape.after);
  });
  return count;
}

const JSON_SHAPE: Shape = { before: '[', between: ',\n', after: ']\n', entry: (entry) => JSON.stringify(entry) };

function csvShape(chain: Chain, from: number): Shape {
  const files = chain.layers.map(({ identity }) => csvText(identity.path));
  return {
    before: 'start,length,depth,file,present,zero,data,compressed,offset,unknown\n',
    between: '\n',
    after: '\n',
    entry: ({ start, length, depth, present, zero, data, compressed, offset, unknown }) =>
      [start, length, depth, present ? (files[from + depth] ?? '') : '', present, zero, data, compressed, offset ?? '', unknown ?? false].join(','),
  };
}

/** RFC 4180, and a leading `=`, `+`, `-` or `@` made harmless: a file name must not become a spreadsheet's formula. */
function csvText(text: string): string {
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
