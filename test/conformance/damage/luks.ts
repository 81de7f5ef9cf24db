import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXTENSION, SparseImage } from '../../fixtures/build/index';
import { unpack } from '../../support/sparse';
import { withTempFolder } from '../../support/temp';
import { readGolden } from '../golden';
import { type Damage, HEADER } from './damage';

const IMAGE = 'luks.qcow2';
const PASSPHRASE = 'correct horse';
const CLUSTER = 4096;
/** The only cluster of refcounts that a small image has: 16 bits each. */
const COUNT_BYTES = 2;

/** Made by QEMU, since no one else makes its key slots. */
function encryptedImage(): SparseImage {
  return withTempFolder('luks', (folder) => {
    unpack(readGolden('encrypted').pack, folder);
    const bytes = readFileSync(join(folder, IMAGE));
    return new SparseImage(bytes.length, [{ offset: 0, bytes }]);
  });
}

/** Where the header extension for full disk encryption says that the LUKS header is (docs/interop/qcow2.rst). */
function luksHeader(image: SparseImage): number {
  const word = (at: number): number => Buffer.from(image.peek(at, 4)).readUInt32BE();
  let at = word(HEADER.length);
  while (word(at) !== EXTENSION.encryption) at += 8 + Math.ceil(word(at + 4) / 8) * 8;
  return Number(image.peekU64(at + 8));
}

function recount(image: SparseImage, offset: number, references: number): void {
  const block = Number(image.peekU64(Number(image.peekU64(HEADER.refcountTable))));
  image.pokeU16(block + (offset / CLUSTER) * COUNT_BYTES, references);
}

function wrong(name: string, prints: Damage['prints'], references: number): Damage {
  return {
    name,
    prints,
    build() {
      const image = encryptedImage();
      const host = luksHeader(image);
      recount(image, host, references);
      return { image, beside: [], secret: PASSPHRASE, at: { host } };
    },
  };
}

/** What can be wrong with the space that the LUKS header and its key material take. */
export const LUKS: readonly Damage[] = [
  wrong('a LUKS header that is not counted', ['too small'], 0),
  wrong('a LUKS header that is counted twice', ['leaked'], 2),
];
