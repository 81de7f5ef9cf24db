import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runCli, runCliJson } from '../support/cli';
import { lacksQemu, qemuImg, qemuInfo } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';
import { unpackCorpus } from './corpus';
import { assertInfo, type Facts, lastingInfo } from './info';

describe('LUKS containers', function () {
  if (lacksQemu()) {
    it('are not compared: there is no qemu-img');
    return;
  }
  let folder: string;
  before(() => {
    folder = makeTempFolder('luks');
  });
  after(() => {
    removeFolder(folder);
  });

  const told = (where: string, image: string): Facts => lastingInfo(qemuInfo(where, image));

  for (const options of [
    'cipher-alg=aes-256',
    'cipher-alg=serpent-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256',
  ]) {
    it(`are told of as qemu-img info does: ${options}`, () => {
      const image = `${options.slice(11, 14)}.luks`;
      const secret = ['--object', 'secret,id=key,data=open'];
      qemuImg(
        folder,
        'create',
        '-q',
        ...secret,
        '-f',
        'luks',
        '-o',
        `key-secret=key,iter-time=10,${options}`,
        image,
        '3M',
      );
      assertInfo(folder, runCliJson(['info', image], { cwd: folder }) as Facts, told(folder, image));
    });
  }

  it('are data throughout, of which no copy is made', () => {
    const [entry, ...others] = runCliJson(['map', 'aes.luks'], { cwd: folder }) as Facts[];
    assert.deepEqual([entry?.['length'], entry?.['data'], entry?.['offset'], others], [3 << 20, true, undefined, []]);
    const { code, stderr } = runCli(['convert', 'aes.luks', join(folder, 'copy.raw')], { cwd: folder });
    assert.equal(code, 1);
    assert.match(stderr, /the content is encrypted \(LUKS\)/);
  });

  const corpus = unpackCorpus();
  if (!corpus) {
    it('of others are not tested: ../shared/corpus is not there');
    return;
  }
  after(() => {
    removeFolder(corpus.folder);
  });
  for (const image of corpus.encrypted) {
    it(`${image}: info is qemu-img's`, () => {
      assertInfo(
        corpus.folder,
        runCliJson(['info', image], { cwd: corpus.folder }) as Facts,
        told(corpus.folder, image),
      );
    });
  }
});
