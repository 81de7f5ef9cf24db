import type { ReadReply } from '../protocol/image';

/** One line of a dump: `hex` has one text a byte, `..` where a byte can't be read. */
export interface DumpLine {
  readonly offset: number;
  readonly hex: readonly string[];
  readonly ascii: string;
}

/** Bytes as people read them, `width` a line. */
export function dumpLines(bytes: Uint8Array, width: number, gaps: ReadReply['gaps'] = []): DumpLine[] {
  const marks = new Uint8Array(bytes.length);
  for (const { start, end } of gaps) marks.fill(1, start, end);
  const unread = (at: number): boolean => marks[at] === 1;
  const lines: DumpLine[] = [];
  for (let start = 0; start < bytes.length; start += width) {
    const hex: string[] = [];
    let ascii = '';
    for (let at = start; at < Math.min(start + width, bytes.length); at += 1) {
      const byte = bytes[at] ?? 0;
      hex.push(unread(at) ? '..' : byte.toString(16).padStart(2, '0'));
      ascii += unread(at) ? ' ' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    lines.push({ offset: start, hex, ascii });
  }
  return lines;
}

/** The dump as text, for the clipboard: `00000000  7f 45 4c 46 …  .ELF…`. */
export function dumpText(bytes: Uint8Array, from: number, gaps: ReadReply['gaps'] = []): string {
  const width = 16;
  return dumpLines(bytes, width, gaps)
    .map(({ offset, hex, ascii }) =>
      `${(from + offset).toString(16).padStart(8, '0')}  ${hex.join(' ').padEnd(width * 3 - 1)}  ${ascii}`)
    .join('\n');
}

/** True when there are bytes and each of them, as far as it can be read, is zero. */
export function allZero({ bytes, gaps }: ReadReply): boolean {
  return bytes.length > 0 && gaps.length === 0 && bytes.every((byte) => byte === 0);
}
