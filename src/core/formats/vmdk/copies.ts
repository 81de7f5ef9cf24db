import { readPadded } from '../../bytes';
import type { ByteSource, Progress } from '../../model';
import { formatCount } from '../../units';
import { NO_TABLE } from '../blocks/nestedTables';
import { entriesThere, GrainDirectory, SCAN_WINDOW_BYTES } from './directory';
import type { ExtentNotes } from './extentNotes';
import type { GrainLayout } from './grainLayout';
import { tableBytes, tableSpan } from './grainLayout';
import { readable } from './readable';

/** Tables that are compared between two pauses. */
const SLICE = 256;

/**
 * Compares the tables of both grain directories, which every writer keeps the same.
 * @param notes is told of each table that differs
 */
export function* copiesDiffer(
  source: ByteSource,
  [first, second]: readonly [GrainLayout, GrainLayout],
  notes: ExtentNotes,
): Generator<Progress, void, void> {
  const tables = Math.max(entriesThere(source, first), entriesThere(source, second));
  const [a, b] = [first, second].map((layout) => new TableReader(source, layout)) as [TableReader, TableReader];
  for (let table = 0; table < tables; table += 1) {
    if (table % SLICE === 0) yield { done: 0, total: 1 };
    const count = differing(a.read(table), b.read(table), first.entries.entryBytes);
    if (count === 0) continue;
    const start = table * tableSpan(first);
    const guest = [{ view: '', start, end: Math.min(start + tableSpan(first), first.size) }];
    const entries = count === 1 ? 'an entry' : `${formatCount(count)} entries`;
    const message = `${entries} of the grain table at directory entry ${table} and of its copy are not the same`;
    const advice = 'One of them is what the disk was before: copy the disk before anything writes to it.';
    notes.add('further', 'copies-differ', () => ({ message, advice, claims: [], guest }));
  }
}

function differing(a: Uint8Array | undefined, b: Uint8Array | undefined, entryBytes: number): number {
  // What can't be read is told elsewhere.
  if (!a || !b) return 0;
  let count = 0;
  for (let at = 0; at < a.length; at += entryBytes) {
    for (let i = at; i < at + entryBytes; i += 1) {
      if (a[i] === b[i]) continue;
      count += 1;
      break;
    }
  }
  return count;
}

/** One table after the other; what is not there reads as zeros. */
class TableReader {
  private readonly directory: GrainDirectory;
  private readonly bytes: Uint8Array;

  constructor(
    private readonly source: ByteSource,
    layout: GrainLayout,
  ) {
    this.directory = new GrainDirectory(source, layout, SCAN_WINDOW_BYTES);
    this.bytes = new Uint8Array(tableBytes(layout));
  }

  /** Undefined where it can't be read; used again for the next. */
  read(table: number): Uint8Array | undefined {
    return readable(() => {
      this.directory.load(table);
      const offset = this.directory.at(table);
      if (offset <= NO_TABLE) this.bytes.fill(0);
      else readPadded(this.source, this.bytes, offset);
      return this.bytes;
    });
  }
}
