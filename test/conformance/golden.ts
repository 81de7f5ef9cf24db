/**
 * The golden fixtures: `test/fixtures/golden/NAME/` holds
 * - `images.br` the image files (see `support/sparse.ts`),
 * - `map.json` what `qemu-img map` says of each image, opened as a leaf,
 * - `info.json` what `qemu-img info` says of each, without what depends on the machine,
 * - `check.json` what `qemu-img check` says of each,
 * - `content.json` the SHA-256 of what a guest reads from each, and from each internal snapshot.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MapEntry, QemuCheck } from '../support/qemu';
import { repositoryRoot } from '../support/root';

export interface GoldenMap {
  /** The images of the chain, newest first, as paths below the fixture's folder. */
  readonly chain: readonly string[];
  readonly map: readonly MapEntry[];
  /** Where it differs: the map when the files have no holes, which is also what can be known where holes can't. */
  readonly dense?: readonly MapEntry[];
  /** The map of this layer opened without its backing file; left out where it has none. */
  readonly alone?: readonly MapEntry[];
  /** By snapshot id, each with its own disk size. */
  readonly snapshots?: Readonly<Record<string, readonly MapEntry[]>>;
}

export interface GoldenMaps {
  /** Version of the qemu-img that was asked. */
  readonly qemu: string;
  readonly images: Readonly<Record<string, GoldenMap>>;
}

export interface GoldenContent {
  readonly size: number;
  readonly sha256: string;
  /** False where reading takes a passphrase. */
  readonly encrypted?: true;
  readonly snapshots?: Readonly<Record<string, SnapshotContent>>;
}

export interface SnapshotContent {
  readonly name: string;
  /** The disk as the snapshot has it, with its own size. */
  readonly size: number;
  readonly sha256: string;
  /** What `qemu-img convert -l` gives, which ends where the active state ends, up to the snapshot's own end. */
  readonly converted: { readonly size: number; readonly sha256: string };
}

/** Exit code and numbers, or null where the format has nothing to check. */
export type GoldenCheck = Pick<QemuCheck, 'code' | 'report'>;
export type GoldenChecks = Readonly<Record<string, GoldenCheck>>;
export type GoldenInfo = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type GoldenContents = Readonly<Record<string, GoldenContent>>;

export interface Golden {
  readonly name: string;
  readonly pack: Uint8Array;
  readonly maps: GoldenMaps;
  readonly info: GoldenInfo;
  readonly checks: GoldenChecks;
  readonly content: GoldenContents;
}

export function goldenFolder(): string {
  return join(repositoryRoot(), 'test', 'fixtures', 'golden');
}

export function goldenNames(): string[] {
  return readdirSync(goldenFolder(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export function readGolden(name: string): Golden {
  const folder = join(goldenFolder(), name);
  const json = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
  return {
    name,
    pack: readFileSync(join(folder, 'images.br')),
    maps: json('map.json') as GoldenMaps,
    info: json('info.json') as GoldenInfo,
    checks: json('check.json') as GoldenChecks,
    content: json('content.json') as GoldenContents,
  };
}
