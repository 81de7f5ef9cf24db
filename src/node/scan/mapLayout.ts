import type { Side } from '../../core/compareSide';
import type { ChainLayer } from '../../core/model';
import { JSON_AFTER, JSON_BEFORE, JSON_BETWEEN, MapText } from '../../core/mapText';
import type { QemuMapEntry } from '../../core/qemuMap';
import type { MapFormat } from '../../protocol/worker';

/** Puts entries of a map into text. */
export interface EntryText {
  /** Adds an entry, and what stands between two. */
  add(entry: QemuMapEntry): void;
  /** All that was added; nothing is left. */
  take(): Uint8Array<ArrayBuffer>;
}

/** How a map is written. */
export interface MapLayout {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** No entry's text has more bytes. */
  readonly entryBytes: number;
  entries(): EntryText;
}

/** In JSON: its names, three numbers of 16 digits and a depth. In CSV without the file's name: less. */
const ENTRY_BYTES = 192;

/** JSON as `qemu-img map` words it, or CSV with the layers' file names. */
export const layoutOf = (format: MapFormat, disk: Side): MapLayout => (format === 'json' ? JSON_LAYOUT : csv(disk));

const JSON_LAYOUT: MapLayout = {
  before: JSON_BEFORE,
  between: JSON_BETWEEN,
  after: JSON_AFTER,
  entryBytes: ENTRY_BYTES,
  entries: () => new MapText(),
};

function csv({ chain, from }: Side): MapLayout {
  const layers = chain.layers.slice(from.depth);
  const files = layers.map(({ identity }) => csvText(identity.path));
  const held = layers.flatMap(holders).map((file) => csvText(file));
  return {
    before: 'start,length,depth,file,present,zero,data,compressed,offset,unknown\n',
    between: '\n',
    after: '\n',
    entryBytes: ENTRY_BYTES + Math.max(...[...files, ...held].map((file) => Buffer.byteLength(file))),
    entries: () => new Rows(files),
  };
}

/** The files that an entry of a layer may be about, beside the image itself. */
const holders = ({ identity: { archive }, layer, dataFile }: ChainLayer): readonly string[] =>
  [archive?.path, dataFile?.path, ...(layer.files ?? []).map(({ identity }) => identity.path)].filter(
    (path) => path !== undefined,
  );

class Rows implements EntryText {
  private readonly encoder = new TextEncoder();
  private rows: string[] = [];

  /** @param files by depth from the standpoint down */
  constructor(private readonly files: readonly string[]) {}

  add({ start, length, depth, present, zero, data, compressed, offset, file: holder, unknown }: QemuMapEntry): void {
    const file = !present ? '' : holder === undefined ? (this.files[depth] ?? '') : csvText(holder);
    this.rows.push([start, length, depth, file, present, zero, data, compressed, offset, unknown ?? false].join(','));
  }

  take(): Uint8Array<ArrayBuffer> {
    const text = this.encoder.encode(this.rows.join('\n'));
    this.rows = [];
    return text;
  }
}

/** RFC 4180, and a leading `=`, `+`, `-` or `@` made harmless: a file name must not become a spreadsheet's formula. */
function csvText(text: string): string {
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
