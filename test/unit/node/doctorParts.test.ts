import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TRUST_ALL } from '../../../src/node/gate';
import { examine } from '../../../src/node/doctor';
import { writeImage } from '../../fixtures/build/index';
import { buildHosted, descriptor, extentLine, GRAIN } from '../../fixtures/build/vmdk';
import { repositoryRoot } from '../../support/root';
import { unpack } from '../../support/sparse';
import { makeTempFolder, removeFolder } from '../../support/temp';

describe('what the doctor says of disks of several files', () => {
  const SIZE = 4 * GRAIN;
  let folder: string;
  beforeEach(() => {
    folder = makeTempFolder('doctor-parts');
  });
  afterEach(() => {
    removeFolder(folder);
  });
  const at = (name: string): string => join(folder, name);
  const extent = (name: string): void => {
    writeImage(at(name), buildHosted({ size: SIZE, grains: new Map([[0, new Uint8Array(GRAIN).fill(7)]]) }).image);
  };
  const examined = async (): Promise<readonly [images: number, families: number, told: readonly string[]]> => {
    const { images, families, diagnoses } = await examine([folder], TRUST_ALL);
    return [images, families, diagnoses.map(({ code, path }) => `${code} ${basename(path)}`)];
  };

  it('is nothing of the extents that a descriptor names', async () => {
    for (const name of ['disk-s001.vmdk', 'disk-s002.vmdk']) extent(name);
    const extents = ['disk-s001.vmdk', 'disk-s002.vmdk'].map((name) => extentLine(SIZE, 'SPARSE', name));
    writeFileSync(at('disk.vmdk'), descriptor({ createType: 'twoGbMaxExtentSparse', extents }));
    assert.deepEqual(await examined(), [1, 1, []]);
  });

  it('is that an extent has no descriptor, where no image names it', async () => {
    extent('lost-s001.vmdk');
    assert.deepEqual(await examined(), [1, 1, ['bare-extent lost-s001.vmdk']]);
  });

  it('is nothing of the image that the descriptor of a bundle names', async () => {
    const packed = join(repositoryRoot(), 'test', 'fixtures', 'formats', 'parallels', 'bundle', 'images.br');
    unpack(readFileSync(packed), folder);
    assert.deepEqual(await examined(), [1, 1, []]);
  });
});
