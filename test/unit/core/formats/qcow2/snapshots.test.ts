import assert from 'node:assert/strict';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import { LIMITS } from '../../../../../src/core/formats/qcow2/limits';
import type { SnapshotTable } from '../../../../../src/core/formats/qcow2/snapshots';
import { readSnapshots } from '../../../../../src/core/formats/qcow2/snapshots';
import type { BuiltQcow2, Qcow2Spec, SnapshotSpec } from '../../../../fixtures/build/index';
import { buildQcow2 } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';

const SIZE = 2 ** 20;
const NONE = new Map();
const snapshot = (id: string, more: Partial<SnapshotSpec> = {}): SnapshotSpec => ({
  id,
  name: `name ${id}`,
  clusters: NONE,
  ...more,
});
const build = (snapshots: readonly SnapshotSpec[], spec: Partial<Qcow2Spec> = {}): BuiltQcow2 =>
  buildQcow2({ size: SIZE, clusterBits: 12, snapshots, ...spec });

function read({ image }: BuiltQcow2): SnapshotTable {
  const source = memorySource(image);
  return readSnapshots(source, readHeader(source), LIMITS.maxListed);
}

function bytesOf(...words: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 8));
  words.forEach((word, i) => {
    view.setBigUint64(i * 8, word);
  });
  return new Uint8Array(view.buffer);
}

describe('the snapshots of a qcow2 image', () => {
  it('are read with everything they say', () => {
    const built = build([
      snapshot('1', {
        name: 'before the update',
        date: 1_700_000_000,
        dateNanoseconds: 123_456_789,
        vmClock: 93_785_000_000_007n,
        diskSize: 8192,
      }),
      snapshot('zwei', { name: 'bäse 基', icount: 987_654n, vmState: new Uint8Array(5000), l1Entries: 40 }),
    ]);
    const { snapshots, findings } = read(built);
    assert.deepEqual(findings, []);
    assert.deepEqual(snapshots, [
      {
        id: '1',
        name: 'before the update',
        l1Offset: built.layout.snapshots[0]?.l1,
        l1Entries: 1,
        date: 1_700_000_000_000,
        dateNanoseconds: 123_456_789,
        vmClock: { seconds: 93_785, nanoseconds: 7 },
        vmStateSize: 0,
        guestSize: 8192,
        icount: undefined,
      },
      {
        id: 'zwei',
        name: 'bäse 基',
        l1Offset: built.layout.snapshots[1]?.l1,
        l1Entries: 40,
        date: 0,
        dateNanoseconds: 0,
        vmClock: { seconds: 0, nanoseconds: 0 },
        vmStateSize: 5000,
        guestSize: SIZE,
        icount: 987_654,
      },
    ]);
  });

  it('may be none', () => {
    assert.deepEqual(read(build([])), { snapshots: [], findings: [] });
  });

  it('of old images have no disk size of their own, and a VM state of 32 bits', () => {
    const built = build([snapshot('1', { extra: new Uint8Array() }), snapshot('2', { extra: bytesOf(2n ** 33n) })], {
      version: 2,
    });
    built.image.pokeU32((built.layout.snapshots[0]?.entry ?? 0) + 32, 0xffffffff);
    const { snapshots } = read(built);
    assert.deepEqual(
      snapshots.map(({ guestSize }) => guestSize),
      [SIZE, SIZE],
    );
    assert.deepEqual(
      snapshots.map(({ vmStateSize }) => vmStateSize),
      [0xffffffff, 2 ** 33],
    );
  });

  it('may have more to say than is known', () => {
    const extra = bytesOf(1n, 4096n, 0xffffffffffffffffn, 1n, 2n);
    const { snapshots } = read(build([snapshot('1', { extra }), snapshot('2')]));
    assert.deepEqual(
      snapshots.map(({ id, guestSize, icount }) => [id, guestSize, icount]),
      [
        ['1', 4096, undefined],
        ['2', SIZE, undefined],
      ],
    );
  });

  it('count their disk in whole sectors', () => {
    assert.deepEqual(
      read(build([snapshot('1', { extra: bytesOf(0n, 5001n) })])).snapshots.map(({ guestSize }) => guestSize),
      [4608],
    );
  });

  it('stand at multiples of eight, whatever the length of their names', () => {
    const names = Array.from({ length: 20 }, (_, i) => 'n'.repeat(i * 7));
    const { snapshots } = read(build(names.map((name, i) => snapshot('i'.repeat(i), { name }))));
    assert.deepEqual(
      snapshots.map(({ name }) => name),
      names,
    );
  });

  it('may have names of any length: of very long ones as much is told as QEMU tells', () => {
    const long = snapshot('i'.repeat(65_535), { name: 'n'.repeat(65_535) });
    const { snapshots } = read(build([long, snapshot('2')]));
    assert.deepEqual(
      snapshots.map(({ id, name }) => [id, name]),
      [
        ['i'.repeat(127), 'n'.repeat(255)],
        ['2', 'name 2'],
      ],
    );
  });

  it('may be more than one reading holds', () => {
    const many = Array.from({ length: 900 }, (_, i) => snapshot(String(i), { name: 'n'.repeat(2000 + i) }));
    const { snapshots, findings } = read(build(many, { clusterBits: 9, size: 512 }));
    assert.deepEqual(findings, []);
    assert.equal(snapshots.length, 900);
    assert.deepEqual(
      snapshots.map(({ id }) => id),
      many.map(({ id }) => id),
    );
  });
});

describe('a snapshot table that can not be read is a finding', () => {
  const codes = ({ findings }: SnapshotTable): string[] => findings.map(({ code, severity }) => `${code} ${severity}`);

  it("past QEMU's number of snapshots", () => {
    const built = build([snapshot('1')]);
    built.image.pokeU32(60, 65_537);
    const table = read(built);
    assert.deepEqual([table.snapshots, codes(table), table.findings[0]?.offset], [[], ['snapshot-table error'], 60]);
  });

  it('when it goes on past the end of the file', () => {
    const built = build([snapshot('1'), snapshot('2')]);
    const second = built.layout.snapshots[1]?.entry ?? 0;
    built.image.truncate(second + 20);
    const table = read(built);
    assert.deepEqual(
      table.snapshots.map(({ id }) => id),
      ['1'],
    );
    assert.deepEqual([codes(table), table.findings[0]?.offset], [['snapshot-table error'], second]);
    built.image.pokeU64(64, 1n << 40n);
    assert.deepEqual([read(built).snapshots, codes(read(built))], [[], ['snapshot-table error']]);
  });

  it('with more extra data than QEMU takes', () => {
    assert.equal(read(build([snapshot('1', { extra: new Uint8Array(1024) })])).snapshots.length, 1);
    const built = build([snapshot('1'), snapshot('2', { extra: new Uint8Array(1025) })]);
    const table = read(built);
    assert.deepEqual(
      table.snapshots.map(({ id }) => id),
      ['1'],
    );
    assert.match(table.findings[0]?.message ?? '', /1025 bytes of extra data.*1 of 2/);
  });

  it('with a value that no disk has', () => {
    const table = read(build([snapshot('1', { extra: bytesOf(0n, 1n << 62n) })]));
    assert.deepEqual([table.snapshots, codes(table)], [[], ['snapshot-table error']]);
    assert.match(table.findings[0]?.message ?? '', /disk size of snapshot "name 1"/);
  });

  it('larger than 64 MiB, having read no more of it', () => {
    const entry = 40 + 65_535 * 2;
    const count = 600;
    const built = build([snapshot('1')]);
    const table = 1 << 20;
    built.image.pokeU64(64, BigInt(table));
    built.image.pokeU32(60, count);
    for (let i = 0; i < count; i += 1) {
      const at = table + i * Math.ceil(entry / 8) * 8;
      built.image
        .pokeU16(at + 12, 65_535)
        .pokeU16(at + 14, 65_535)
        .pokeU32(at + 36, 0);
    }
    built.image.truncate(table + count * Math.ceil(entry / 8) * 8);
    const { snapshots, findings } = read(built);
    assert.equal(snapshots.length, Math.floor((64 * 2 ** 20) / (Math.ceil(entry / 8) * 8)));
    assert.match(findings[0]?.message ?? '', /goes on past its 67108864 bytes/);
  });

  it('of more snapshots than are listed: the rest is counted', () => {
    const built = build([snapshot('1')]);
    const table = 1 << 20;
    // 65,536 entries of nothing but zeros: 40 bytes each.
    built.image
      .pokeU64(64, BigInt(table))
      .pokeU32(60, 65_536)
      .truncate(table + 65_536 * 40);
    const { snapshots, findings } = read(built);
    assert.equal(snapshots.length, 1000);
    assert.deepEqual(
      findings.map(({ code, severity }) => `${code} ${severity}`),
      ['snapshots-cut info'],
    );
    assert.match(findings[0]?.message ?? '', /65536 snapshots: the first 1000 are listed, 64536 more/);
  });
});
