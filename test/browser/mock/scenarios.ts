import { Kind, Use } from '../../../src/core/model';
import type { Finding } from '../../../src/core/model';
import type { OpenResult } from '../../../src/protocol/image';
import { FakeChain } from './disk';
import type { FakeComparison, FakeDisk, FakeLayer } from './disk';
import type { Fault } from './file';
import { TerabyteChain } from './terabyte';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const DAY = 86_400_000;

/** Numbers in [0, 1) that are the same every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Scatter {
  readonly seed: number;
  /** Clusters to fill in all. */
  readonly total: number;
  /** Typical length of a run, in clusters. */
  readonly run: number;
  /** Part of the disk that is used, 0 … 1. */
  readonly from: number;
  readonly to: number;
  /** Shares of the runs that are zero and compressed. */
  readonly zero: number;
  readonly compressed: number;
}

/** Runs of very different lengths, in bunches, as file systems write them. */
function scatter(clusters: number, { seed, total, run, from, to, zero, compressed }: Scatter): Uint8Array {
  const kinds = new Uint8Array(clusters);
  const next = random(seed);
  let left = total;
  while (left > 0) {
    let at = Math.floor((from + (to - from) * next() ** 1.2) * clusters);
    for (let piece = 0; piece < 6 && left > 0; piece += 1) {
      const length = Math.min(left, Math.max(1, Math.round(run * Math.exp(2.6 * (next() - 0.6)))));
      const dice = next();
      const kind = dice < zero ? Kind.Zero : dice < zero + compressed ? Kind.Compressed : Kind.Data;
      kinds.fill(kind, at, Math.min(clusters, at + length));
      left -= length;
      at += length + Math.floor(run * next() * 0.8);
    }
  }
  return kinds;
}

const WARNING: Finding = {
  code: 'backing-format-missing', severity: 'warning',
  message: 'The format of the parent is not stated; it was taken for raw',
  advice: 'Set it with qemu-img rebase -u -F raw -b web01.img',
};

const now = Date.now();
const morning = new Date(now).setHours(9, 14, 0, 0);

function web01(): FakeLayer[] {
  const clusters = (40 * GIB) / (64 * KIB);
  const gib = 16_384;
  const layer = (name: string, format: string, modified: number, parameters: Scatter): FakeLayer =>
    ({ fileName: name, format, modified, kinds: scatter(clusters, parameters) });
  return [
    layer('web01.qcow2', 'qcow2', morning,
      { seed: 11, total: 1.3 * gib, run: 160, from: 0.01, to: 0.72, zero: 0.06, compressed: 0 }),
    layer('web01.before-upgrade.qcow2', 'qcow2', new Date(2026, 2, 14, 8).getTime(),
      { seed: 22, total: 3.4 * gib, run: 500, from: 0.01, to: 0.74, zero: 0.34, compressed: 0 }),
    {
      ...layer('web01.after-install.qcow2', 'qcow2', new Date(2025, 9, 2, 8).getTime(),
        { seed: 33, total: 4.6 * gib, run: 900, from: 0.01, to: 0.7, zero: 0.04, compressed: 0.22 }),
      findings: [WARNING],
    },
    layer('web01.img', 'raw', new Date(2025, 8, 28, 8).getTime(),
      { seed: 44, total: 3.9 * gib, run: 1400, from: 0, to: 0.8, zero: 0, compressed: 0 }),
  ];
}

const web01Disk = (change: Partial<FakeDisk> = {}): FakeDisk => ({
  size: 40 * GIB, cluster: 64 * KIB, layers: web01(), end: { kind: 'base' }, scan: 'complete', ...change,
});

const FAULTS: readonly Fault[] = [
  {
    use: Use.Contested, at: 0.31, clusters: 2,
    problem: {
      code: 'claimed-twice', severity: 'error', counts: 'corruption',
      message: 'two clusters are claimed by more than one entry',
      advice: 'Copy what can be read to a new image; a repair keeps one of the two',
      claims: ['L2 entry 5696 of L1 entry 26, current state', 'L2 entry 112 of L1 entry 41, current state'],
      guest: [{ view: '', start: 14_330_888_192, end: 14_331_019_264 }, { view: '', start: 22_019_047_424, end: 22_019_178_496 }],
    },
  },
  {
    use: Use.Uncounted, at: 0.62, clusters: 30,
    problem: {
      code: 'not-counted', severity: 'error', counts: 'corruption',
      message: 'thirty clusters are used and not counted as used', claims: ['L2 entry 40 of L1 entry 7, current state'],
      guest: [{ view: '', start: 3 * GIB, end: 3 * GIB + 30 * 64 * KIB }],
    },
  },
  {
    use: Use.Leaked, at: 0.8, clusters: 700,
    problem: {
      code: 'leaked', severity: 'warning', counts: 'leak', message: '700 clusters are counted as used by nobody',
      advice: 'qemu-img check -r leaks frees them', claims: [], guest: [],
    },
  },
];

function checked(): FakeDisk {
  const [current, ...older] = web01();
  return web01Disk({
    layers: [...(current ? [{ ...current, checked: true, faults: FAULTS }] : []), ...older.map((layer, index) => (
      { ...layer, checked: index === 0 }))],
  });
}

function compared(comparison: Partial<FakeComparison> = {}): FakeDisk {
  const next = random(77);
  const different = Array.from({ length: 340 }, (_, index) => {
    const start = Math.floor(index * 0.085 * GIB + next() * 0.05 * GIB);
    return { start, end: start + 512 * (1 + Math.floor(next() ** 4 * 60_000)) };
  });
  return web01Disk({
    comparison: {
      with: { path: '/vm/images/web01.before-upgrade.qcow2', view: '', viewName: '' }, different,
      unknown: 0, skipped: 3.4 * GIB, shown: true, ...comparison,
    },
  });
}

function broken(): FakeDisk {
  const [current, upgrade, install] = web01();
  const clusters = (40 * GIB) / (64 * KIB);
  const damaged = scatter(clusters, { seed: 5, total: 9000, run: 300, from: 0.1, to: 0.6, zero: 0, compressed: 0 });
  const kinds = Uint8Array.from(current?.kinds ?? []);
  damaged.forEach((kind, index) => {
    if (kind !== Kind.Absent) kinds[index] = Kind.Invalid;
  });
  const finding: Finding = {
    code: 'entry-past-end', severity: 'error', offset: 0x42_0000,
    message: '9,000 entries point past the end of the file',
    advice: 'The file was cut short; restore it from a backup',
  };
  const layers = [current && { ...current, kinds, findings: [finding] }, upgrade, install];
  return web01Disk({
    layers: layers.filter((layer) => layer !== undefined),
    end: {
      kind: 'missing', written: '../templates/web01.img', name: '/vm/templates/web01.img',
      message: 'The parent is not there: /vm/templates/web01.img. Put it back, or choose where it is now.',
    },
  });
}

function refused(): FakeDisk {
  return web01Disk({
    layers: web01().slice(0, 2),
    end: {
      kind: 'refused', reason: 'outside', written: '/srv/templates/web01.after-install.qcow2',
      name: '/srv/templates/web01.after-install.qcow2',
      message: 'The parent lies outside this folder, and the folder is not trusted.',
    },
  });
}

function deep(): FakeDisk {
  const size = 8 * GIB;
  const clusters = size / (64 * KIB);
  const layers = Array.from({ length: 60 }, (_, depth): FakeLayer => ({
    fileName: depth === 59 ? 'nightly-00.qcow2' : `nightly-${String(59 - depth).padStart(2, '0')}.qcow2`,
    format: 'qcow2', modified: now - depth * DAY,
    kinds: scatter(clusters, {
      seed: 100 + depth, total: depth === 59 ? 40_000 : 2000 + ((depth * 37) % 11) * 300, run: depth === 59 ? 900 : 60,
      from: 0, to: 0.9, zero: 0.05, compressed: 0,
    }),
  }));
  return { size, cluster: 64 * KIB, layers, end: { kind: 'base' }, scan: 'complete' };
}

function dozen(): FakeDisk {
  const size = 8 * GIB;
  const clusters = size / (64 * KIB);
  const layers = Array.from({ length: 12 }, (_, depth): FakeLayer => ({
    fileName: depth === 11 ? 'db.img' : depth === 0 ? 'db.qcow2' : `db.week-${12 - depth}.qcow2`,
    format: depth === 11 ? 'raw' : 'qcow2', modified: now - depth * 7 * DAY,
    kinds: scatter(clusters, {
      seed: 300 + depth, total: depth === 11 ? 40_000 : 9000, run: depth === 11 ? 900 : 240,
      from: 0, to: 0.95, zero: 0.05, compressed: 0,
    }),
  }));
  return { size, cluster: 64 * KIB, layers, end: { kind: 'base' }, scan: 'complete' };
}

function snapshots(): FakeDisk {
  const size = 20 * GIB;
  const clusters = size / (64 * KIB);
  const kinds = (seed: number, total: number): Uint8Array =>
    scatter(clusters, { seed, total, run: 400, from: 0, to: 0.7, zero: 0.1, compressed: 0 });
  type Snapshot = NonNullable<FakeLayer['snapshots']>[number];
  const view = (id: string, name: string, days: number, memory: number): Snapshot => ({
    view: {
      id, name, guestSize: size,
      snapshot: {
        id, name, date: now - days * DAY, dateNanoseconds: 0, vmClock: { seconds: 1000, nanoseconds: 0 },
        vmStateSize: memory,
      },
    },
    kinds: kinds(700 + days, 30_000),
  });
  return {
    size, cluster: 64 * KIB, end: { kind: 'base' }, scan: 'complete',
    layers: [
      {
        fileName: '0b6c2c1e-9a1f-4a8e-8d15-6f2a54b7c9d0', format: 'qcow2', modified: morning, kinds: kinds(61, 20_000),
        label: 'Active VM', snapshots: [view('1', 'before the update', 3, 1.2 * GIB), view('2', 'clean', 40, 0)],
        bitmaps: [{ name: 'backup-daily', granularity: 65_536, flags: ['auto'] }],
        findings: [{
          code: 'bitmap-in-use', severity: 'warning',
          message: 'The bitmap “backup-daily” was not closed and can’t be trusted', advice: 'Make a full backup',
        }],
      },
      {
        fileName: '7d1f0a52-33c4-4f0b-9a77-0c1d5f6be1aa', format: 'qcow2', modified: now - 9 * DAY,
        kinds: kinds(62, 60_000), label: 'Golden image', readable: false, guestSize: 16 * GIB,
      },
    ],
  };
}

function small(): FakeDisk {
  const size = 64 * MIB;
  const clusters = size / (64 * KIB);
  const kinds = (seed: number, total: number, run: number): Uint8Array =>
    scatter(clusters, { seed, total, run, from: 0, to: 0.9, zero: 0.15, compressed: 0.1 });
  return {
    size, cluster: 64 * KIB, end: { kind: 'base' }, scan: 'complete',
    layers: [
      { fileName: 'shop.qcow2', format: 'qcow2', modified: morning, kinds: kinds(1, 90, 8) },
      { fileName: 'shop.before-upgrade.qcow2', format: 'qcow2', modified: morning - DAY, kinds: kinds(2, 160, 12) },
      { fileName: 'shop.img', format: 'raw', modified: morning - 30 * DAY, kinds: scatter(clusters, {
        seed: 3, total: 500, run: 60, from: 0, to: 0.95, zero: 0, compressed: 0 }) },
    ],
  };
}

const lone = (size: number, cluster: number, fill: boolean): FakeDisk => ({
  size, cluster, end: { kind: 'base' }, scan: 'complete',
  layers: [{
    fileName: 'new-disk.qcow2', format: 'qcow2', modified: now - 60_000,
    kinds: fill ? scatter(Math.ceil(size / cluster), {
      seed: 9, total: size / cluster / 2, run: 30, from: 0, to: 0.9, zero: 0.1, compressed: 0 })
      : new Uint8Array(Math.ceil(size / cluster)),
  }],
});

const loading = (): FakeDisk => web01Disk({ scan: 'running', readOneIn: 4 });

const PNG = Uint8Array.from([
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 6, 0xea, 0, 0, 4, 0x74,
  8, 2, 0, 0, 0, 0x54, 0x9f, 0x0c, 0x71, 0, 0, 0, 9, 0x70, 0x48, 0x59, 0x73, 0, 0, 0x0e, 0xc4, 0, 0, 0x0e, 0xc4, 1,
]);

const DISKS: Readonly<Record<string, () => FakeDisk>> = {
  checked, compared: () => compared(),
  identical: () => compared({ different: [], skipped: 38 * GIB }),
  chain: () => web01Disk(), broken, refused, deep, dozen, snapshots, small, loading,
  empty: () => lone(20 * GIB, 64 * KIB, false), single: () => lone(6 * GIB, 64 * KIB, true),
  zero: () => lone(0, 64 * KIB, false),
  tiny: () => lone(MIB, 4 * KIB, true), odd: () => lone(100 * MIB + 512, 2 * MIB, true),
};

export interface Scenario {
  readonly result: OpenResult;
  readonly chain: FakeChain | undefined;
}

export const SCENARIOS = [...Object.keys(DISKS), 'terabyte', 'not-an-image', 'foreign', 'failed'];

/** @param passes of the terabyte that have been read */
export function scenario(name: string, passes?: number): Scenario {
  if (name === 'not-an-image') {
    return {
      chain: undefined,
      result: {
        kind: 'not-an-image',
        what: {
          path: '/vm/images/console-screenshot.png', size: 214_116, found: 'a PNG picture',
          advice: 'If it holds a disk after all, it can be opened as a raw one.', head: PNG,
          foreign: false, offerRaw: true,
        },
      },
    };
  }
  if (name === 'foreign') {
    return {
      chain: undefined,
      result: {
        kind: 'not-an-image',
        what: {
          path: '/vm/images/mail.vhdx', size: 4_194_304, found: 'a VHDX disk image',
          advice: 'This format is not read yet. qemu-img convert -O qcow2 makes a copy that is.',
          head: Uint8Array.from('vhdxfile', (letter) => letter.charCodeAt(0)), foreign: true, offerRaw: false,
        },
      },
    };
  }
  if (name === 'failed') {
    return {
      chain: undefined,
      result: {
        kind: 'failed', size: 196_608,
        head: Uint8Array.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3, ...new Array<number>(56).fill(0)]),
        error: {
          code: 'corrupt', file: '/vm/images/web01.qcow2', offset: 20,
          message: 'The cluster size can’t be true: 2^63 bytes',
          advice: 'The header is damaged. Restore the first 64 KiB of the file from a backup; '
            + 'the data behind it may be whole.',
        },
      },
    };
  }
  const chain = name === 'terabyte' ? new TerabyteChain(passes) : new FakeChain((DISKS[name] ?? (() => web01Disk()))());
  return { chain, result: { kind: 'image', summary: chain.summary() } };
}
