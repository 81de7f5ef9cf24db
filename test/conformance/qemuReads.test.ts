/** What we say that QEMU does not read as we do, it refuses or reads otherwise, in each fixture of a format; and nothing else. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DRIVERS, misread } from '../../src/core';
import { lacksQemu, QemuError, qemuImg } from '../support/qemu';
import { withSession } from '../support/session';
import { unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { digestOfFile } from './formats/contentHash';
import type { Expected } from './formats/expected';
import { fixturesOf } from './formats/expected';

/** Larger disks are opened by QEMU and not read through. */
const READ_THROUGH = 2 ** 26;
/** QEMU reads LUKS of version 1 with its key, which is not what an overlay is to be written over. */
/** Told apart by hand, `format/fixture`: why we say of it something else than what QEMU does. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'parallels/bundle-image-alone': 'QEMU reads the image as it is, and nothing of the disk that it is a layer of',
  'vmdk/parent-changed': 'the link to its parent is judged where a chain is opened',
  'vmdk/windows-1252': 'QEMU looks for a name in the bytes of another encoding: it finds no file, and says so',
  'vhdx/claimed-twice': 'what a table claims is known once all of it was read, and QEMU refuses it with a word',
  'vhdx/impossible-entries': 'the same',
  'vpc/cut-short': 'the same',
  'vpc/dynamic-bitmaps': 'what each bitmap says is known once all of them were read; writers keep such sectors zeroed',
  'vpc/fixed-short-footer': 'QEMU looks for a footer of 512 bytes, finds none and says so',
};
const FORMATS = DRIVERS.map(({ id }) => id).filter((id) => !['qcow2', 'raw', 'luks'].includes(id));

describe('what QEMU does not read as we do', () => {
  if (lacksQemu()) return;
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('qemu-reads');
  });
  afterEach(() => {
    removeFolder(folder);
  });

  const fixtures = FORMATS.flatMap(fixturesOf).filter(
    ({ format, name }) => !Object.hasOwn(OTHERWISE, `${format}/${name}`),
  );
  for (const fixture of fixtures) {
    it(`${fixture.format} ${fixture.name}`, async () => {
      unpack(fixture.pack, folder);
      const why = await withSession(join(folder, fixture.expected.leaf), undefined, ({ session }) => {
        const [leaf] = session.chain.layers;
        assert(leaf);
        return misread(leaf)?.why;
      });
      const { format, expected } = fixture;
      const theirs = askQemu(folder, format, expected);
      const said = `we say: ${why ?? 'it reads it'}; QEMU: ${theirs.how}`;
      if (theirs.isRead !== undefined) assert.equal(why === undefined, theirs.isRead, said);
    });
  }
});

/** Whether QEMU reads an image as it is meant; undefined where it opens it and what it reads has nothing to be compared with. */
function askQemu(folder: string, format: string, { leaf, content }: Expected): { isRead?: boolean; how: string } {
  try {
    qemuImg(folder, 'info', '-f', format, leaf);
    if (!content || content.size > READ_THROUGH) return { how: 'opens it' };
    qemuImg(folder, 'convert', '-f', format, '-O', 'raw', leaf, 'theirs.raw');
  } catch (error) {
    if (error instanceof QemuError) return { isRead: false, how: error.output };
    throw error;
  }
  const isRead = isDeepStrictEqual(digestOfFile(join(folder, 'theirs.raw')), content);
  return { isRead, how: isRead ? 'reads the same' : 'reads it otherwise' };
}
