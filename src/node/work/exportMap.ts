import type { Chain, Job, QemuMapEntry, Session } from '../../core';
import { qemuMap } from '../../core';
import type { MapFormat } from '../../protocol/worker';
import { NewFile } from '../newFile';

/** Text is gathered to pieces of about this many characters before it is written. */
const PIECE = 1 << 16;

interface Shape {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  entry(entry: QemuMapEntry): string;
}

/**
 * Writes the map from a session's standpoint to a new file: JSON as `qemu-img map` words it, or CSV with the layers' file
 * names. A job to be run in slices; dropping it leaves no file.
 * @returns how many entries the map has
 * @throws DiskError `io`
 */
export function* exportMap(session: Session, format: MapFormat, target: string): Job<number> {
  const file = new NewFile(target, { replace: true });
  try {
    const count = yield* writeEntries(session, format, file);
    file.commit();
    return count;
  } finally {
    file.abandon();
  }
}

function* writeEntries({ chain, from }: Session, format: MapFormat, file: NewFile): Job<number> {
  const shape = format === 'json' ? JSON_SHAPE : csvShape(chain, from.depth);
  const total = from.view.guestSize;
  let done = 0;
  let count = 0;
  let piece = shape.before;
  for (const entry of qemuMap(chain, from)) {
    if (!entry) {
      yield { done, total };
      continue;
    }
    piece += (count === 0 ? '' : shape.between) + shape.entry(entry);
    count += 1;
    done = entry.start + entry.length;
    if (piece.length >= PIECE) {
      file.append(piece);
      piece = '';
      yield { done, total };
    }
  }
  file.append(piece + shape.after);
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
      [
        start,
        length,
        depth,
        present ? (files[from + depth] ?? '') : '',
        present,
        zero,
        data,
        compressed,
        offset ?? '',
        unknown ?? false,
      ].join(','),
  };
}

/** RFC 4180, and a leading `=`, `+`, `-` or `@` made harmless: a file name must not become a spreadsheet's formula. */
function csvText(text: string): string {
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
