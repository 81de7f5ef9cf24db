/** "Virtual Hard Disk Image Format Specification", Microsoft 2006. */
import type { SparseImage } from '../../fixtures/build/index';
import { Dissection, type Grammar, type Layout } from './anatomy';
import { complementOfSum } from './checksums';

const FOOTER_BYTES = 512;
const HEADER_BYTES = 1024;
const FOOTER: Layout = [
  [8, 4, 'flags'],
  [12, 4, 'flags'],
  [16, 8, 'offset'],
  [24, 4, 'count'],
  [28, 4, 'text'],
  [40, 8, 'size'],
  [48, 8, 'size'],
  [56, 2, 'count'],
  [58, 1, 'small'],
  [59, 1, 'small'],
  [60, 4, 'small'],
  [64, 4, 'flags'],
  [68, 8, 'flags'],
];
const HEADER: Layout = [
  [8, 8, 'offset'],
  [16, 8, 'offset'],
  [24, 4, 'flags'],
  [28, 4, 'count'],
  [32, 4, 'count'],
  [36, 4, 'flags'],
  [40, 8, 'flags'],
  [56, 4, 'count'],
];
const LOCATOR: Layout = [
  [0, 4, 'text'],
  [4, 4, 'count'],
  [8, 4, 'count'],
  [16, 8, 'offset'],
];
const LOCATORS = 8;

export const vhd: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, false);
    found.structure(Math.max(0, image.size - FOOTER_BYTES), FOOTER);
    if (found.ascii(0, 8) === 'conectix') found.structure(0, FOOTER);
    const header = headerOf(image);
    if (header === undefined) return found.result(512, [0n]);
    found.structure(header, HEADER);
    found.text(header + 64, 512);
    for (let index = 0; index < LOCATORS; index += 1) {
      const locator = header + 576 + index * 24;
      found.structure(locator, LOCATOR);
      found.text(found.u64(locator + 16), Math.min(2048, found.u32(locator + 8)));
    }
    found.table(found.u64(header + 16), found.u32(header + 28), { scale: 512 });
    // Where a block begins is where its bitmap is.
    for (const sector of found.used(found.u64(header + 16), found.u32(header + 28), 4)) found.place(sector * 512);
    return found.result(found.u32(header + 32), [0n, 0xffffffffn, 0xfffffffen]);
  },
  mend: (image) => {
    const ends = [0, image.size - FOOTER_BYTES].filter((at) => at >= 0 && isAscii(image, at, 'conectix'));
    for (const at of ends) mendAt(image, at, FOOTER_BYTES, 64);
    const header = headerOf(image);
    if (header !== undefined) mendAt(image, header, HEADER_BYTES, 36);
  },
};

const isAscii = (image: SparseImage, at: number, text: string): boolean =>
  Buffer.from(image.peek(at, text.length)).toString('latin1') === text;

function headerOf(image: SparseImage): number | undefined {
  const at = new Dissection(image, false).u64(16);
  return at < image.size && isAscii(image, at, 'cxsparse') ? at : undefined;
}

function mendAt(image: SparseImage, at: number, length: number, field: number): void {
  const bytes = image.peek(at, length);
  if (bytes.length < length) return;
  bytes.fill(0, field, field + 4);
  image.pokeU32(at + field, complementOfSum(bytes));
}
