/** Overlays of our own writer on raw and qcow2 bases: QEMU takes them for its own, and the base stays as it was. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import type { Created, CreateRequest } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import { createSnapshot } from '../../src/node/snapshots/create';
import { noise } from '../fixtures/build/index';
import { holdOpen, lacksQemu, qemuCheck, qemuImg, qemuInfo, qemuIo, qemuMap } from '../support/qemu';
import { ON_WINDOWS } from '../support/specialFiles';
import { makeTempFolder, removeFolder } from '../support/temp';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = 2 ** 40;
/** No whole number of sectors. */
const RAW_SIZE = 3 * MIB + 77;
const LONG_AGO = new Date('2021-03-04T05:06:07Z');

interface Base {
  readonly name: string;
  readonly format: string;
  readonly make: (folder: string) => void;
}

const fill = (folder: string, name: string): void => {
  qemuIo(folder, ['-f', 'qcow2', name], ['write -P 17 0 96k', 'write -P 18 1M 200k', 'write -z 2M 64k']);
};

const BASES: readonly Base[] = [
  {
    name: 'disk.raw',
    format: 'raw',
    make: (folder) => {
      fs.writeFileSync(join(folder, 'disk.raw'), noise(1, RAW_SIZE));
    },
  },
  {
    name: 'disk.qcow2',
    format: 'qcow2',
    make: (folder) => {
      qemuImg(folder, 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '3M');
      fill(folder, 'disk.qcow2');
    },
  },
  {
    name: 'old.qcow2',
    format: 'qcow2',
    make: (folder) => {
      qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', 'compat=0.10,cluster_size=4096', 'old.qcow2', '3M');
      fill(folder, 'old.qcow2');
    },
  },
  {
    name: 'fine.qcow2',
    format: 'qcow2',
    make: (folder) => {
      const options = 'extended_l2=on,cluster_size=32k';
      qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', options, '-b', 'disk.raw', '-F', 'raw', 'fine.qcow2');
      fill(folder, 'fine.qcow2');
    },
  },
];

const CLUSTER_SIZES = [undefined, 512, 4 * KIB, 64 * KIB, 2 * MIB];
type Options = Pick<CreateRequest, 'clusterSize' | 'extendedL2' | 'compat' | 'absolute'>;

function* everyOption(): Generator<Options> {
  for (const clusterSize of CLUSTER_SIZES) {
    for (const absolute of [false, true]) {
      yield { clusterSize, absolute, compat: '0.10' };
      yield { clusterSize, absolute, compat: '1.1' };
      if (clusterSize === undefined || clusterSize >= 16 * KIB)
        yield { clusterSize: clusterSize ?? 16 * KIB, absolute, extendedL2: true };
    }
  }
}

interface Footprint {
  readonly hash: string;
  readonly modified: bigint;
}

function footprint(file: string): Footprint {
  const hash = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  return { hash, modified: fs.statSync(file, { bigint: true }).mtimeNs };
}

describe('a snapshot that is created', () => {
  if (lacksQemu()) return;
  let folder: string;

  before(() => {
    folder = makeTempFolder('create');
    for (const { name, make } of BASES) {
      make(folder);
      // What changed a moment ago is looked at twice.
      fs.utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
    }
  });

  after(() => {
    removeFolder(folder);
  });

  const create = (base: string, overlay: string, options: Options = {}): Promise<Created> =>
    createSnapshot({ base: join(folder, base), overlay: join(folder, overlay), ...options }, TRUST_ALL);

  for (const { name, format } of BASES) {
    it(`is accepted by QEMU on ${name} in every option, and holds nothing`, async () => {
      const before = footprint(join(folder, name));
      for (const options of everyOption()) {
        const about = `${name} ${JSON.stringify(options)}`;
        const created = await create(name, 'ours.qcow2', options);
        // As qemu-img makes it.
        const asked = [
          ...(created.shape.clusterSize === 64 * KIB ? [] : [`cluster_size=${created.shape.clusterSize}`]),
          ...(options.extendedL2 ? ['extended_l2=on'] : []),
          ...(options.compat === undefined ? [] : [`compat=${options.compat}`]),
        ].flatMap((option) => ['-o', option]);
        const backing = options.absolute ? join(folder, name) : name;
        qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, ...asked, 'theirs.qcow2');
        assert.deepEqual(
          comparable(qemuInfo(folder, 'ours.qcow2')),
          comparable(qemuInfo(folder, 'theirs.qcow2')),
          about,
        );

        const check = qemuCheck(folder, 'ours.qcow2');
        assert.deepEqual([check.code, check.messages], [0, ''], about);
        assert.equal(check.report?.['allocated-clusters'] ?? 0, 0, `${about}: no data cluster`);
        assert.equal(check.report?.['image-end-offset'], created.fileSize, about);
        assert.equal(fs.statSync(join(folder, 'ours.qcow2')).size, created.fileSize, about);
        assert(
          qemuMap(folder, 'ours.qcow2').every(({ depth, present }) => depth > 0 || !present),
          `${about}: all of the disk is the base's`,
        );

        qemuIo(folder, ['-f', 'qcow2', 'ours.qcow2'], ['write -P 99 70000 30000', 'read -P 99 70000 30000']);
        assert.deepEqual([qemuCheck(folder, 'ours.qcow2').code], [0], `${about}: written to`);
        qemuIo(folder, ['-f', 'qcow2', 'theirs.qcow2'], ['write -P 99 70000 30000']);
        qemuImg(folder, 'compare', '-q', '-f', 'qcow2', '-F', 'qcow2', 'ours.qcow2', 'theirs.qcow2');
        fs.rmSync(join(folder, 'ours.qcow2'));
        assert.deepEqual(footprint(join(folder, name)), before, `${about}: the base`);
      }
    });
  }

  it("takes the base's clusters where none are asked for, and a disk's size in whole sectors", async () => {
    const raw = await create('disk.raw', 'a.qcow2');
    assert.deepEqual([raw.shape.clusterSize, raw.guestSize, raw.backing], [64 * KIB, 3 * MIB + 512, 'disk.raw']);
    assert.equal((await create('old.qcow2', 'b.qcow2')).shape.clusterSize, 4 * KIB);
    assert.equal((await create('fine.qcow2', 'c.qcow2')).shape.clusterSize, 32 * KIB);
  });

  it('is not made while a QEMU may write to the base, or to what it stands on', async function () {
    if (ON_WINDOWS || !fs.existsSync('/proc/locks')) this.skip();
    await create('disk.qcow2', 'middle.qcow2');
    for (const held of ['disk.qcow2', 'middle.qcow2']) {
      const release = await holdOpen(folder, held);
      try {
        await assert.rejects(create('middle.qcow2', 'busy.qcow2'), ({ message }: Error) =>
          new RegExp(`${held} is open for writing by qemu-io`).test(message),
        );
      } finally {
        await release();
        fs.utimesSync(join(folder, held), LONG_AGO, LONG_AGO);
      }
    }
    await create('middle.qcow2', 'busy.qcow2');
  });

  it('is not made of a base whose data file is gone', async () => {
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', '-o', 'data_file=apart.raw', 'meta.qcow2', '1M');
    for (const name of ['meta.qcow2', 'apart.raw']) fs.utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
    await create('meta.qcow2', 'whole.qcow2');
    fs.rmSync(join(folder, 'apart.raw'));
    await assert.rejects(create('meta.qcow2', 'half.qcow2'), /what .*meta\.qcow2 holds can't be read/);
    await assert.rejects(create('whole.qcow2', 'half.qcow2'), /what .*meta\.qcow2 holds can't be read/);
    assert(!fs.existsSync(join(folder, 'half.qcow2')));
  });

  it('can be of an encrypted base, of which it says that the overlay is not encrypted', async () => {
    const secret = ['--object', 'secret,id=key,data=swordfish'];
    const options = ['-o', 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10'];
    qemuImg(folder, 'create', '-q', ...secret, '-f', 'qcow2', ...options, 'locked.qcow2', '1M');
    fs.utimesSync(join(folder, 'locked.qcow2'), LONG_AGO, LONG_AGO);
    const { findings } = await create('locked.qcow2', 'open.qcow2');
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['base-frozen', 'base-encrypted'],
    );
    const opened = 'driver=qcow2,file.filename=open.qcow2,backing.encrypt.key-secret=key';
    qemuIo(folder, [...secret, '--image-opts', opened], ['write -P 1 4k 4k', 'read -P 1 4k 4k', 'read 0 4k']);
  });

  it('can be of the largest disks, with the clusters that these need', async () => {
    fs.writeFileSync(join(folder, 'huge.raw'), '');
    fs.truncateSync(join(folder, 'huge.raw'), 8 * TIB);
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', 'huge.qcow2', String(64 * TIB));
    for (const name of ['huge.raw', 'huge.qcow2']) fs.utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
    const most: readonly (readonly [string, Options])[] = [
      // 2^22 L2 tables: of 512 entries for clusters of 4 KiB, they map 8 TiB.
      ['huge.raw', { clusterSize: 4 * KIB }],
      ['huge.qcow2', { clusterSize: 16 * KIB }],
      ['huge.qcow2', { clusterSize: 16 * KIB, extendedL2: true }],
      ['huge.qcow2', { clusterSize: 2 * MIB, compat: '0.10' }],
      ['huge.qcow2', {}],
    ];
    for (const [base, options] of most) {
      const { guestSize } = await create(base, 'large.qcow2', options);
      const last = guestSize - 512;
      qemuIo(folder, ['-f', 'qcow2', 'large.qcow2'], [`write -P 5 ${last} 512`, `read -P 5 ${last} 512`]);
      assert.equal(qemuCheck(folder, 'large.qcow2').code, 0, JSON.stringify(options));
      fs.rmSync(join(folder, 'large.qcow2'));
    }
    await assert.rejects(
      create('huge.raw', 'large.qcow2', { clusterSize: 2 * KIB }),
      /at least 4 KiB|clusters of 2 KiB/,
    );
    await assert.rejects(
      create('huge.qcow2', 'large.qcow2', { clusterSize: 8 * KIB, extendedL2: false }),
      ({ message, advice }: { message: string; advice: string }) =>
        message.includes('64 TiB') && advice === 'Choose clusters of at least 16 KiB.',
    );
    assert(!fs.existsSync(join(folder, 'large.qcow2')));
  });
});

/** What two overlays of one base have in common in `qemu-img info`. */
function comparable(info: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const apart = new Set(['filename', 'actual-size', 'children']);
  return Object.fromEntries(Object.entries(info).filter(([key]) => !apart.has(key)));
}
