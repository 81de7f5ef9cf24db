import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildQcow2, compressed, data, deflateFixed, noise, prose, Random, SparseImage, writeImage,
} from '../../test/fixtures/build/index';
import { unpackGuest } from './asset';
import { GROWN_DISK } from './boot';
import { BLOCK } from './content';
import { WRITTEN } from './disk';
import { overlay } from './layers';
import { liveThrough } from './life';
import { readme } from './readme';
import type { BitmapSpec, Cluster, Qcow2Spec } from '../../test/fixtures/build/index';
import type { ContentSpec } from './content';
import type { Disk } from './disk';
import type { LayerRules } from './layers';
import type { Life } from './life';

const KIB = 1024;
const MIB = 1024 * KIB;
const GRANULARITY_BITS = 16;

/** One file of the sample: its content, and the moment at which the story has written it last. */
interface SampleFile {
  readonly name: string;
  readonly modified: string;
  readonly image: SparseImage;
}

/** What no compressor makes smaller, so that none need try. */
const DENSE: readonly ContentSpec['kind'][] = ['program', 'kernel', 'photo', 'archive'];

const isDense = (file: ContentSpec | undefined): boolean => file !== undefined && DENSE.includes(file.kind);
const isPages = (file: ContentSpec | undefined, ...magic: string[]): boolean =>
  file?.kind === 'pages' && magic.includes(file.magic);

/** Four of five places, for what was written partly through QEMU's compress filter and partly not. */
const isUsually = (block: number): boolean => (Math.imul(block + 1, 0x9e3779b1) >>> 0) % 5 !== 0;

function rawImage(disk: Disk): SparseImage {
  const chunks = [];
  for (let block = 0; block < disk.blocks; block++) {
    if (!disk.isZero(block)) {
      chunks.push({ offset: block * BLOCK, bytes: disk.read(block, 1) });
    }
  }
  return new SparseImage(disk.blocks * BLOCK, chunks);
}

function afterInstall({ afterInstall: disk }: Life): Qcow2Spec {
  const compress = (file: ContentSpec | undefined): boolean => !isDense(file);
  return {
    size: GROWN_DISK,
    backing: 'web01.img',
    backingFormat: 'raw',
    featureNames: true,
    clusters: overlay(disk, { clusterSize: 64 * KIB, compress }),
  };
}

function beforeUpgrade({ ready, beforeUpgrade: disk }: Life): Qcow2Spec {
  const rules: LayerRules = {
    clusterSize: 16 * KIB,
    compress: (file, index) =>
      file?.kind === 'access' || isPages(file, 'HCACHE') || (isPages(file, 'BURROWDB') && isUsually(index)),
  };
  const saved = overlay(ready, rules);
  return {
    size: GROWN_DISK,
    clusterBits: 14,
    backing: 'web01.after-install.qcow2',
    backingFormat: 'qcow2',
    featureNames: true,
    compatible: 1n,
    clusters: overlay(disk, rules, saved),
    snapshots: [
      {
        id: '1',
        name: 'before-logturn',
        clusters: saved,
        date: Date.parse('2025-05-09T22:15:40Z') / 1000,
        dateNanoseconds: 314_159_000,
        vmClock: 5_818_432_000_000_000n,
        vmState: noise(9000, 400 * KIB),
      },
    ],
  };
}

/** What changed on the last two days: the second half of the disk's writes, in the order of their place. */
function nightlyBitmap(disk: Disk): BitmapSpec {
  const dirty: [number, number][] = [];
  for (let block = 0; block < disk.blocks; block++) {
    const file = disk.file(block);
    const recent = file?.kind === 'pages' || file?.kind === 'syslog' || file?.kind === 'photo';
    if (disk.how(block) === WRITTEN && recent) {
      dirty.push([block * BLOCK, BLOCK]);
    }
  }
  return { name: 'nightly-2025-06-22', granularityBits: GRANULARITY_BITS, dirty, auto: true };
}

function newest({ upgraded }: Life): Qcow2Spec {
  const compress: LayerRules['compress'] = (file, index) =>
    isPages(file, 'BURROWDM', 'HCACHE') || (isPages(file, 'BURROWDB') && isUsually(index));
  return {
    size: GROWN_DISK,
    backing: 'web01.before-upgrade.qcow2',
    backingFormat: 'qcow2',
    featureNames: true,
    clusters: overlay(upgraded, { clusterSize: 64 * KIB, compress }),
    bitmaps: [nightlyBitmap(upgraded)],
  };
}

function experiment({ experiment: disk }: Life): Qcow2Spec {
  const compress = (file: ContentSpec | undefined): boolean => isPages(file, 'TILESET', 'HCACHE');
  return {
    size: GROWN_DISK,
    backing: 'web01.before-upgrade.qcow2',
    backingFormat: 'qcow2',
    featureNames: true,
    extendedL2: true,
    compression: 'zstd',
    clusters: overlay(disk, { clusterSize: 64 * KIB, compress, compression: 'zstd', extendedL2: true }),
  };
}

/** A snapshot that was copied here without its base: an old image, of a tool that wrote version 2. */
function orphan(): Qcow2Spec {
  const clusterSize = 32 * KIB;
  const random = new Random(77);
  const clusters = new Map<number, Cluster>();
  for (let burst = 0; burst < 44; burst++) {
    const first = random.below((512 * MIB) / clusterSize - 24);
    const pack = burst % 3 === 0;
    for (let i = random.below(pack ? 24 : 4); i >= 0; i--) {
      const bytes = pack ? prose(first + i, clusterSize) : noise(first + i, clusterSize);
      clusters.set(first + i, pack ? compressed(bytes, deflateFixed(bytes)) : data(bytes));
    }
  }
  return { version: 2, size: 512 * MIB, clusterBits: 15, backing: 'db01.img', backingFormat: 'raw', clusters };
}

function images(life: Life): SampleFile[] {
  const qcow2 = (name: string, modified: string, spec: Qcow2Spec): SampleFile => ({
    name,
    modified,
    image: buildQcow2(spec).image,
  });
  return [
    { name: 'web01.img', modified: '2025-02-11T09:00:00Z', image: rawImage(life.factory) },
    qcow2('web01.after-install.qcow2', '2025-03-03T14:10:00Z', afterInstall(life)),
    qcow2('web01.before-upgrade.qcow2', '2025-06-17T20:41:30Z', beforeUpgrade(life)),
    qcow2('web01.qcow2', '2025-06-22T03:31:00Z', newest(life)),
    qcow2('web01.experiment.qcow2', '2025-06-18T15:06:00Z', experiment(life)),
    qcow2('db01.snapshot.qcow2', '2025-05-30T01:00:00Z', orphan()),
  ];
}

/**
 * Makes the sample: the images and their README.md, in `folder`.
 * @param guest the bytes of guest.br
 * @returns the names of the files
 */
export function makeSample(guest: Uint8Array, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const place = (name: string, modified: string, write: (path: string) => void): string => {
    const path = join(folder, name);
    write(`${path}.part`);
    const time = Date.parse(modified) / 1000;
    utimesSync(`${path}.part`, time, time);
    renameSync(`${path}.part`, path);
    return name;
  };
  const life = liveThrough(unpackGuest(guest));
  const names = images(life).map(({ name, modified, image }) =>
    place(name, modified, (path) => {
      writeImage(path, image);
    }),
  );
  const about = place('README.md', '2025-06-22T09:00:00Z', (path) => {
    writeFileSync(path, readme(life));
  });
  return [...names, about];
}
