import type { Chain, Picture, Progress, QemuMapEntry, Session } from '../../core';
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
 * @param session one that keeps host offsets
 * @returns how many entries the map has
 * @throws DiskError `io`
 */
export function* exportMap(session: Session, format: MapFormat, target: string): Generator<Progress, number, void> {
  const picture = yield* session.scan();
  const file = new NewFile(target, { replace: true });
  try {
    const count = yield* writeEntries(session, picture, format, file);
    file.commit();
    return count;
  } finally {
    file.abandon();
  }
}

function* writeEntries(
  session: Session,
  picture: Picture,
  format: MapFormat,
  file: NewFile,
): Generator<Progress, number, void> {
  const shape = format === 'json' ? JSON_SHAPE : csvShape(session.chain, session.standpoint.depth);
  const total = session.view.guestSize;
  let count = 0;
  let piece = shape.before;
  for (const entry of session.map(picture)) {
    piece += (count === 0 ? '' : shape.between) + shape.entry(entry);
    count += 1;
    if (piece.length >= PIECE) {
      file.append(piece);
      piece = '';
      yield { done: entry.start + entry.length, total };
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
