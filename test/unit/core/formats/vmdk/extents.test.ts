import assert from 'node:assert/strict';
import { noise } from '../../../../fixtures/build/index';
import { buildHosted, descriptor, extentLine, GRAIN, le64, vmdkDisk } from '../../../../fixtures/build/vmdk';
import { extentsOf, MemoryDisk } from '../../../../support/memory';
import { mapEntries } from '../../../../support/map';
import { finish, Kind, Session } from '../../../../../src/core';
import { bytesOf, findingsOf, kindsOf, kindsOfReadableIn, leafOf, openIn, read, runsOf } from './open';

const SECTOR = 512;
const SPARSE = { size: 4 * GRAIN, grains: new Map([[1, noise(1, GRAIN)]]) };
const BASE = 2 ** 28;

const disk = (createType: string, ...extents: readonly string[]): MemoryDisk =>
  new MemoryDisk().put('/d/a.vmdk', new TextEncoder().encode(descriptor({ createType, extents })));

const codesOf = (of: MemoryDisk): readonly string[] => findingsOf(leafOf(of, '/d/a.vmdk'));

describe('the extents of a VMware disk', () => {
  it('stand one behind the other, each in its own file', () => {
    const files = disk(
      'twoGbMaxExtentSparse',
      extentLine(SPARSE.size, 'SPARSE', 'a-s001.vmdk'),
      extentLine(2 * SECTOR, 'FLAT', 'flat', 1),
    );
    const { image, grainAt } = buildHosted(SPARSE);
    files.put('/d/a-s001.vmdk', image).put('/d/flat', noise(2, 3 * SECTOR));
    const layer = leafOf(files, '/d/a.vmdk');
    assert.deepEqual(runsOf(layer), [
      [0, GRAIN, '.', -1],
      [GRAIN, 2 * GRAIN, 'd', BASE + (grainAt(1) ?? 0)],
      [2 * GRAIN, 4 * GRAIN, '.', -1],
      [4 * GRAIN, 4 * GRAIN + 2 * SECTOR, 'd', 3 * BASE + SECTOR],
    ]);
    assert.deepEqual(
      layer.layer.files?.map(({ identity, base, size }) => [identity.path, base, size]),
      [
        ['/d/a-s001.vmdk', BASE, image.size],
        ['/d/flat', 3 * BASE, 3 * SECTOR],
      ],
    );
    const whole = Uint8Array.from([...vmdkDisk([SPARSE]).toBytes(), ...noise(2, 3 * SECTOR).subarray(SECTOR)]);
    assert.deepEqual(bytesOf(layer), whole);
    assert.deepEqual(findingsOf(layer), []);
  });

  it('that make a disk past 2^53 bytes are refused', () => {
    const most = Math.floor(Number.MAX_SAFE_INTEGER / SECTOR);
    const files = disk('custom', `RW ${most} ZERO`, 'RW 1 ZERO');
    assert.throws(() => leafOf(files, '/d/a.vmdk'), /add up to more than any real disk has/);
    const far = disk('custom', `RW 8 FLAT "flat" ${most - 8}`).put('/d/flat', noise(2, SECTOR));
    assert.deepEqual(codesOf(far), ['extent-unusable error']);
  });

  it('that have more grain tables together than a disk are refused before all are looked through', () => {
    const { image } = buildHosted(SPARSE);
    // A directory of 2^25 entries, of which the file has a few.
    image.poke(12, le64(2n ** 34n)).poke(20, le64(1n));
    const files = disk('custom', ...Array.from({ length: 9 }, () => `RW ${2 ** 34} SPARSE "s.vmdk"`));
    files.put('/d/s.vmdk', image);
    assert.throws(() => leafOf(files, '/d/a.vmdk'), /more grain tables than any disk/);
    assert.deepEqual(files.openFiles, []);
  });

  it('whose lines are not understood are told of one by one up to a number', () => {
    const files = disk('custom', 'RW 1 ZERO', ...Array.from({ length: 5000 }, () => 'RW x'));
    assert.deepEqual(
      codesOf(files),
      Array.from({ length: 21 }, () => 'descriptor warning'),
    );
    assert.match(leafOf(files, '/d/a.vmdk').layer.findings.at(-1)?.message ?? '', /4980 more lines/);
  });

  it('are traced in their own files', () => {
    const files = disk('custom', extentLine(SPARSE.size, 'SPARSE', 'b.vmdk'), extentLine(SECTOR, 'FLAT', 'flat', 1));
    const { image, grainAt, tableAt, directoryAt } = buildHosted(SPARSE);
    files.put('/d/b.vmdk', image).put('/d/flat', noise(2, 2 * SECTOR));
    const session = new Session(files.environment, files.leaf('/d/a.vmdk'));
    const [inSparse] = session.trace(GRAIN + 5).steps;
    assert.deepEqual([inSparse?.hostOffset, inSparse?.holder], [(grainAt(1) ?? 0) + 5, '/d/b.vmdk']);
    assert.deepEqual(
      inSparse?.lookups.map(({ table, index, entryOffset }) => [table, index, entryOffset]),
      [
        ['grain directory of b.vmdk', 0, directoryAt],
        ['grain table of b.vmdk', 1, tableAt(0) + 4],
      ],
    );
    const [inFlat] = session.trace(SPARSE.size + 7).steps;
    assert.deepEqual([inFlat?.hostOffset, inFlat?.holder, inFlat?.write.effect], [SECTOR + 7, '/d/flat', 'in-place']);
    session.close();
    assert.deepEqual(files.openFiles, []);
  });

  it('that are flat have their holes told as data that was never written', () => {
    const files = disk('custom', extentLine(8192, 'FLAT', 'b', 0), extentLine(8192, 'FLAT', 'c', 0));
    files.put('/d/b', { bytes: new Uint8Array(8192), extents: extentsOf(8192, [[4096, 8192]]) });
    files.put('/d/c', { bytes: new Uint8Array(4096), extents: extentsOf(4096, [[0, 2048]]) });
    const session = new Session(files.environment, files.leaf('/d/a.vmdk'));
    assert.deepEqual(
      mapEntries(session).map(({ start, length, data, zero, offset }) => [start, length, data, zero, offset]),
      [
        [0, 4096, true, true, 0],
        [4096, 4096, true, false, 4096],
        [8192, 2048, true, false, 0],
        [8192 + 2048, 6144, true, true, 2048],
      ],
    );
    assert.deepEqual(codesOf(files), ['extent-short warning']);
    session.close();
  });

  it('are written to only where they may be', () => {
    const files = disk(
      'custom',
      extentLine(SPARSE.size, 'SPARSE', 'b.vmdk', undefined, 'RDONLY'),
      extentLine(SPARSE.size, 'SPARSE', 'c.vmdk'),
    );
    files.put('/d/b.vmdk', buildHosted(SPARSE).image).put('/d/c.vmdk', buildHosted(SPARSE).image);
    const session = new Session(files.environment, files.leaf('/d/a.vmdk'));
    const effects = [0, GRAIN, 4 * GRAIN, 5 * GRAIN].map((offset) => session.trace(offset).write.effect);
    assert.deepEqual(effects, ['impossible', 'impossible', 'allocate', 'in-place']);
    session.close();
    assert.deepEqual(files.openFiles, []);
  });

  it('are told of where the file of one ends before its grains, be another read-only', () => {
    const { image, grainAt } = buildHosted(SPARSE);
    const files = disk(
      'custom',
      extentLine(SECTOR, 'FLAT', 'flat', 0, 'RDONLY'),
      extentLine(SPARSE.size, 'SPARSE', 'b.vmdk'),
    );
    files.put('/d/flat', noise(1, SECTOR)).put('/d/b.vmdk', image.truncate(grainAt(1) ?? 0));
    const session = new Session(files.environment, files.leaf('/d/a.vmdk'));
    finish(session.scan());
    const [found, ...more] = session.findings(0).filter(({ severity }) => severity === 'error');
    assert.deepEqual([found?.code, more], ['data-past-end', []]);
    assert.match(found?.message ?? '', /before 1 block of data, or inside \(the first for guest byte 0x1_0200\)/);
    session.close();
  });

  it('that can not be read are unknown as far as their tables go, and the next begins where it does', () => {
    const files = disk(
      'custom',
      extentLine(SPARSE.size, 'SPARSE', 'b.vmdk'),
      extentLine(2 * SECTOR, 'FLAT', 'flat', 0),
    );
    const { image, tableAt } = buildHosted({ ...SPARSE, redundant: false });
    files.put('/d/b.vmdk', { bytes: image, failsFrom: tableAt(0) });
    files.put('/d/flat', { bytes: noise(1, 2 * SECTOR), failsFrom: SECTOR });
    assert.deepEqual(kindsOfReadableIn(files, '/d/a.vmdk'), [
      [0, SPARSE.size, 'u'],
      [SPARSE.size, SPARSE.size + 2 * SECTOR, 'd'],
    ]);
    // Its last sector is read by itself, and fails by itself.
    const layer = leafOf(files, '/d/a.vmdk');
    assert.throws(() => read(layer, SPARSE.size + SECTOR, SECTOR), { code: 'io' });
  });

  it('that are flat end where their file does, in whole sectors', () => {
    const files = disk('custom', extentLine(4 * SECTOR, 'FLAT', 'b', 1), extentLine(2 * SECTOR, 'FLAT', 'c', 9));
    files.put('/d/b', noise(1, 2 * SECTOR + 100)).put('/d/c', noise(2, 3 * SECTOR));
    const { layer } = leafOf(files, '/d/a.vmdk');
    const [view] = layer.views;
    assert(view);
    const pastEnd = (start: number, end: number): number | undefined =>
      layer.firstPastEnd?.(view, { start, end, kind: Kind.Data, host: 0 });
    // Of the first, 612 bytes are there, which are two sectors; of the second, which begins past the end, nothing.
    assert.equal(pastEnd(0, 2 * SECTOR), undefined);
    assert.equal(pastEnd(0, 4 * SECTOR), 2 * SECTOR);
    assert.equal(pastEnd(3 * SECTOR, 4 * SECTOR), 3 * SECTOR);
    assert.equal(pastEnd(4 * SECTOR, 6 * SECTOR), 4 * SECTOR);
  });

  it('are closed where the fault is ours, which is told as it is', () => {
    const files = disk('custom', extentLine(SPARSE.size, 'SPARSE', 'b.vmdk'));
    const { image, directoryAt } = buildHosted(SPARSE);
    const peek = (offset: number, length: number): Uint8Array => {
      if (offset + length > directoryAt) throw new TypeError('a fault of the program');
      return image.peek(offset, length);
    };
    files.put('/d/b.vmdk', { bytes: { size: image.size, peek } });
    assert.throws(() => leafOf(files, '/d/a.vmdk'), TypeError);
    assert(!files.openFiles.includes('/d/b.vmdk'));
  });

  it('that are flat are data where nobody tells of holes, and holes behind their ends', () => {
    const files = disk('custom', extentLine(4096, 'FLAT', 'b', 0), extentLine(4096, 'FLAT', 'empty', 0));
    files.put('/d/b', new Uint8Array(1024)).put('/d/empty', new Uint8Array());
    const { layer } = leafOf(files, '/d/a.vmdk');
    const holes = layer.unwritten?.();
    assert.deepEqual(
      [[...(holes?.bounds ?? [])], holes?.startsWithData, holes?.certainty],
      [[0, BASE + 1024, Infinity], true, 'assumed'],
    );
    assert.equal(leafOf(disk('custom', extentLine(4096, 'ZERO')), '/d/a.vmdk').layer.unwritten?.(), undefined);
  });

  it('may be parts of one file, which is opened for each and closed as often', () => {
    const files = disk('custom', extentLine(SECTOR, 'FLAT', 'b', 3), extentLine(2 * SECTOR, 'FLAT', 'b', 0));
    const bytes = noise(3, 4 * SECTOR);
    files.put('/d/b', bytes);
    const chain = openIn(files, '/d/a.vmdk');
    const [layer] = chain.layers;
    assert(layer);
    assert.equal(layer.layer.files?.length, 1);
    assert.deepEqual(
      bytesOf(layer),
      Uint8Array.from([...bytes.subarray(3 * SECTOR), ...bytes.subarray(0, 2 * SECTOR)]),
    );
    assert.deepEqual(
      runsOf(layer).map(([, , , host]) => host),
      [BASE + 3 * SECTOR, BASE],
    );
    layer.layer.close();
    assert.deepEqual(files.openFiles, []);
  });

  it('that are missing or refused are unknown, and the rest is there', () => {
    const files = disk(
      'twoGbMaxExtentFlat',
      extentLine(SECTOR, 'FLAT', 'a-f001.vmdk', 0),
      extentLine(SECTOR, 'FLAT', 'a-f002.vmdk', 0),
      extentLine(SECTOR, 'FLAT', '/elsewhere/a-f003.vmdk', 0),
    );
    files.put('/d/a-f002.vmdk', noise(1, SECTOR)).refuse('/elsewhere/a-f003.vmdk', 'outside');
    assert.deepEqual(codesOf(files), ['extent-missing error', 'extent-refused error']);
    const layer = leafOf(files, '/d/a.vmdk');
    assert.match(layer.layer.findings[0]?.message ?? '', /extent 1 of 3 "a-f001.vmdk" \(512 bytes\)/);
    assert.match(layer.layer.findings[1]?.advice ?? '', /Allow it/);
    assert.deepEqual(kindsOf(layer), [
      [0, SECTOR, 'u'],
      [SECTOR, 2 * SECTOR, 'd'],
      [2 * SECTOR, 3 * SECTOR, 'u'],
    ]);
    assert.deepEqual(read(layer, SECTOR, SECTOR), noise(1, SECTOR));
    assert.deepEqual(files.asked.slice(0, 3), ['/d/a-f001.vmdk', '/d/a-f002.vmdk', '/elsewhere/a-f003.vmdk']);
  });

  it('that are no sparse extents are unknown, each with its reason', () => {
    const zeroCapacity = buildHosted({ size: 0, grains: new Map(), descriptor: 'x' }).image;
    const lines = ['text', 'nothing', 'a.vmdk', 'empty', 'broken'].map((name) => extentLine(GRAIN, 'SPARSE', name));
    const files = disk('twoGbMaxExtentSparse', ...lines);
    files.put('/d/text', new TextEncoder().encode('nothing of the kind')).put('/d/nothing', new Uint8Array());
    files.put('/d/empty', zeroCapacity).put('/d/broken', buildHosted(SPARSE).image.poke(20, le64(0n)));
    const layer = leafOf(files, '/d/a.vmdk');
    // The descriptor names itself; a header without a disk may name other files, which are not followed.
    assert.deepEqual(
      layer.layer.findings.map(({ code, message }) => [code, /: (.*?)(?: \(at| and the|$)/.exec(message)?.[1]]),
      [
        ['extent-unusable', '/d/text: this is no sparse extent of VMware'],
        ['extent-unusable', '/d/nothing: this is no sparse extent of VMware'],
        ['extent-unusable', '/d/a.vmdk: this is no sparse extent of VMware'],
        ['extent-unusable', '/d/empty: it holds nothing of a disk'],
        ['extent-unusable', "/d/broken: grains of 0 bytes can't be"],
      ],
    );
    assert.deepEqual(kindsOf(layer), [[0, 5 * GRAIN, 'u']]);
    layer.layer.close();
    assert.deepEqual(files.openFiles, []);
  });

  it('of devices are refused, by their type and by their name, and never asked for', () => {
    const files = disk(
      'partitionedDevice',
      extentLine(SECTOR, 'FLAT', 'a-pt.vmdk', 0),
      extentLine(SECTOR, 'FLAT', '/dev/sda', 63),
      extentLine(SECTOR, 'FLAT', '\\\\.\\PhysicalDrive0', 0),
      extentLine(SECTOR, 'VMFSRDM', 'a-rdm.vmdk'),
      extentLine(SECTOR, 'VMFSRAW', 'vmhba0:1:0:0'),
      extentLine(SECTOR, 'ZERO'),
    );
    files.put('/d/a-pt.vmdk', noise(1, SECTOR));
    assert.deepEqual(codesOf(files), [
      'device-disk warning',
      ...Array.from({ length: 4 }, () => 'extent-device error'),
    ]);
    assert.deepEqual(kindsOf(leafOf(files, '/d/a.vmdk')), [
      [0, SECTOR, 'd'],
      [SECTOR, 5 * SECTOR, 'u'],
      [5 * SECTOR, 6 * SECTOR, 'z'],
    ]);
    assert.deepEqual([...new Set(files.asked)], ['/d/a-pt.vmdk']);
  });

  it('that may not be accessed, name no file or are of no known type are unknown', () => {
    const files = disk(
      'custom',
      extentLine(SECTOR, 'FLAT', 'b', 0, 'NOACCESS'),
      extentLine(SECTOR, 'FLAT'),
      extentLine(SECTOR, 'VSANSPARSE', 'b'),
    );
    files.put('/d/b', noise(1, SECTOR));
    assert.deepEqual(codesOf(files), [
      'descriptor warning',
      'extent-no-access error',
      'extent-name error',
      'extent-type error',
    ]);
    assert.deepEqual(files.asked, []);
  });

  it('hold what the descriptor says, where they say otherwise themselves', () => {
    const longer = disk('twoGbMaxExtentSparse', extentLine(2 * GRAIN, 'SPARSE', 'b'), extentLine(SECTOR, 'ZERO'));
    longer.put('/d/b', buildHosted(SPARSE).image);
    assert.deepEqual(codesOf(longer), ['extent-size error']);
    assert.deepEqual(kindsOf(leafOf(longer, '/d/a.vmdk')), [
      [0, GRAIN, '.'],
      [GRAIN, 2 * GRAIN, 'd'],
      [2 * GRAIN, 2 * GRAIN + SECTOR, 'z'],
    ]);
    const shorter = disk('twoGbMaxExtentSparse', extentLine(6 * GRAIN, 'SPARSE', 'b'), extentLine(SECTOR, 'ZERO'));
    shorter.put('/d/b', buildHosted(SPARSE).image);
    assert.deepEqual(codesOf(shorter), ['extent-size error']);
    assert.deepEqual(kindsOf(leafOf(shorter, '/d/a.vmdk')).slice(2), [
      [2 * GRAIN, 4 * GRAIN, '.'],
      [4 * GRAIN, 6 * GRAIN, 'u'],
      [6 * GRAIN, 6 * GRAIN + SECTOR, 'z'],
    ]);
  });

  it('are none at all in a descriptor that says too little', () => {
    const files = new MemoryDisk().put('/d/a.vmdk', new TextEncoder().encode('# Disk DescriptorFile\nversion=1\n'));
    assert.deepEqual(codesOf(files), [
      'descriptor warning',
      'descriptor warning',
      'create-type warning',
      'no-extents error',
    ]);
    assert.equal(leafOf(files, '/d/a.vmdk').layer.guestSize, 0);
    assert.deepEqual(codesOf(disk('newType', extentLine(SECTOR, 'ZERO'))), ['create-type warning']);
  });
});

describe('the parent of a VMware disk', () => {
  const link = (hint: string | undefined, parentCid: string): MemoryDisk => {
    const text = (of: { cid: string; parentCid?: string; more?: readonly string[] }): string =>
      descriptor({ createType: 'monolithicSparse', extents: [extentLine(SPARSE.size, 'SPARSE', 'x.vmdk')], ...of });
    const more = hint === undefined ? [] : [`parentFileNameHint="${hint}"`];
    return new MemoryDisk()
      .put('/d/a.vmdk', buildHosted({ ...SPARSE, descriptor: text({ cid: '2', parentCid, more }) }).image)
      .put('/d/base.vmdk', buildHosted({ ...SPARSE, descriptor: text({ cid: 'CAFE' }) }).image)
      .put('/d/other.vmdk', buildHosted({ ...SPARSE, descriptor: text({ cid: 'beef' }) }).image);
  };
  const chainOf = (files: MemoryDisk): unknown => {
    const { layers, end } = openIn(files, '/d/a.vmdk');
    const codes = layers.flatMap(({ findings, layer }) => [...findings, ...layer.findings]).map(({ code }) => code);
    return [layers.map(({ identity }) => identity.path.slice(3)), end.kind, codes];
  };

  it('is the file of that name, known by its CID', () => {
    assert.deepEqual(chainOf(link('base.vmdk', '0000cafe')), [['a.vmdk', 'base.vmdk'], 'base', []]);
    const [leaf] = openIn(link('base.vmdk', 'cafe'), '/d/a.vmdk').layers;
    assert.deepEqual(leaf?.layer.linkIds, [{ what: 'CID', value: '00000002' }]);
  });

  it('is another one where its CID is, and that is told', () => {
    assert.deepEqual(chainOf(link('other.vmdk', 'cafe')), [['a.vmdk', 'other.vmdk'], 'base', ['parent-changed']]);
  });

  it('is looked for beside the image where its path leads nowhere, and must be the one', () => {
    const away = '/vmfs/volumes/4e9/web/';
    assert.deepEqual(chainOf(link(`${away}base.vmdk`, 'cafe')), [['a.vmdk', 'base.vmdk'], 'base', ['parent-guessed']]);
    assert.deepEqual(chainOf(link(`${away}other.vmdk`, 'cafe')), [['a.vmdk'], 'missing', ['parent-missing']]);
    assert.deepEqual(chainOf(link('C:\\vm\\base.vmdk', 'cafe')), [['a.vmdk', 'base.vmdk'], 'base', ['parent-guessed']]);
  });

  it('is found by its CID alone where no name is told', () => {
    assert.deepEqual(chainOf(link(undefined, 'cafe')), [['a.vmdk', 'base.vmdk'], 'base', ['parent-link']]);
    assert.deepEqual(chainOf(link(undefined, '12345')), [['a.vmdk'], 'missing', ['parent-missing', 'parent-link']]);
  });

  it('is not known by anything where its CID is that of no parent', () => {
    assert.deepEqual(chainOf(link('other.vmdk', 'ffffffff')), [['a.vmdk', 'other.vmdk'], 'base', ['parent-link']]);
  });

  it('is not known by anything where no CID of it is told', () => {
    const text = descriptor({
      createType: 'monolithicSparse',
      extents: [extentLine(SPARSE.size, 'SPARSE', 'a.vmdk')],
      more: ['parentFileNameHint="base.vmdk"'],
    }).replace(/^parentCID=.*\n/m, '');
    const files = link('base.vmdk', 'cafe').put('/d/a.vmdk', buildHosted({ ...SPARSE, descriptor: text }).image);
    const { layer } = leafOf(files, '/d/a.vmdk');
    const found = layer.findings.find(({ code }) => code === 'parent-link');
    assert.match(found?.message ?? '', /names a parent \(base\.vmdk\), though its parentCID \(none\)/);
    assert.deepEqual(layer.parent?.expects, []);
  });
});
