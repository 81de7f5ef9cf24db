import type { ByteSource, CheckReport, Finding, Job } from '../../model';
import { Use } from '../../model';
import type { BlockNotes, Structure } from '../check';
import { checkBlocks } from '../check';
import type { Layout } from './blocks';
import { bitmapSpace, ENTRY_BYTES, VhdBlocks } from './blocks';
import type { DynamicHeader } from './dynamicHeader';
import { DYNAMIC_HEADER_BYTES, LOCATOR_BYTES } from './dynamicHeader';
import { FOOTER_BYTES } from './footer';

/** What a check of a dynamic or differencing image goes through. QEMU has none for VHD: all that is found is `further`. */
export interface Checked {
  readonly source: ByteSource;
  readonly lookups: ByteSource;
  /** Where the footer at the end is, or would be. */
  readonly footerAt: number;
  readonly header: DynamicHeader;
  readonly layout: Layout;
  /** What was wrong with all that was read to open it. */
  readonly findings: readonly Finding[];
}

/** Checks the footers, the header, the table and what it refers to. */
export function checkImage(image: Checked): Job<CheckReport> {
  const { source, lookups, layout, findings } = image;
  return checkBlocks({
    size: source.size,
    // What a block's sectors are is nothing to the file: they have their space or have not.
    blocks: new VhdBlocks(source, lookups, layout, 'ignored'),
    lead: bitmapSpace(layout),
    structures: () => structures(image),
    unreferred: 'free',
    also: (notes) => {
      for (const finding of findings) tell(notes, finding);
    },
  });
}

function* structures({ source, footerAt, header, layout }: Checked): Generator<Structure> {
  const { at, tableOffset, locators } = header;
  const { entries, size, differencing } = layout;
  const part = (what: string, start: number, end: number): Structure => ({ what, start, end, use: Use.Header });
  yield part('the copy of the footer', 0, FOOTER_BYTES);
  yield part('the dynamic disk header', at, at + DYNAMIC_HEADER_BYTES);
  yield {
    ...part('the block allocation table', tableOffset, tableOffset + entries * ENTRY_BYTES),
    use: Use.L2,
    from: { start: at + 16, end: at + 24 },
    maps: { start: 0, end: size },
  };
  for (const { platform, offset, length, at: from } of differencing ? locators : []) {
    const start = Number(offset);
    yield {
      ...part(`the parent's name for ${platform}`, start, start + length),
      from: { start: from, end: from + LOCATOR_BYTES },
    };
  }
  yield part('the footer', footerAt, Math.min(footerAt + FOOTER_BYTES, source.size));
}

function tell(notes: BlockNotes, { code, message, offset, advice }: Finding): void {
  notes.add('further', 1, code, () => ({ message, offset, advice, claims: [], guest: [] }));
}
