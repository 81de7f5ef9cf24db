/** Makes the golden fixtures with qemu-img: run `node scripts/make-golden.mjs`. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { isAtLeast, type MapEntry, qemuCheck, qemuImg, qemuInfo, qemuMap, qemuVersion } from '../support/qemu';
import { activateSnapshot, type SnapshotEntry, snapshotEntries } from '../support/qcow2Patch';
import { Draw } from '../support/random';
import { holesOf, pack, unpack } from '../support/sparse';
import { withTempFolder } from '../support/temp';
import { Workshop } from '../support/workshop';
import { DAMAGES } from './damage';
import { writeAnswers } from './damage/answers';
import type {
  GoldenCheck,
  GoldenChecks,
  GoldenContent,
  GoldenContents,
  GoldenInfo,
  GoldenMap,
  SnapshotContent,
} from './golden';
import { goldenFolder } from './golden';
import { lastingInfo } from './info';
import { type Recipe, RECIPES } from './recipes';

/** What `qemu-img info --backing-chain` says of a layer, as far as it is of use here. */
interface LayerInfo {
  readonly filename: string;
  readonly format: string;
  readonly children?: readonly { readonly info?: { readonly filename?: string } }[];
}

/** The name of what is no fixture, but answers about images that the tests build anew. */
const DAMAGE = 'damage';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function sha256(file: string, end: number): { size: number; sha256: string } {
  const bytes = readFileSync(file).subarray(0, end);
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The truth about the unpacked images of one fixture. */
class Witness {
  constructor(
    private readonly folder: string,
    private readonly dense: string,
    private readonly scratch: string,
    private readonly shop: Workshop,
  ) {}

  private content(image: string, end = Infinity, extra: readonly string[] = []): { size: number; sha256: string } {
    const out = join(this.scratch, 'out.raw');
    const read = this.encrypted(image) ? [] : ['-U'];
    qemuImg(this.folder, 'convert', '-q', ...read, ...extra, '-O', 'raw', ...this.shop.opening(image), out);
    const answer = sha256(out, end);
    rmSync(out);
    return answer;
  }

  private encrypted(image: string): boolean {
    return this.shop.secrets.has(image);
  }

  private chain(image: string): string[] {
    const text = qemuImg(this.folder, 'info', '--output=json', '--backing-chain', ...this.shop.opening(image));
    const layers = JSON.parse(text) as LayerInfo[];
    return layers.map(({ filename, format, children }) => {
      // A backing file named by json: has a json: name itself; the file below it has a plain one.
      const plain = filename.startsWith('json:') ? children?.[0]?.info?.filename : filename;
      if (plain === undefined) throw new Error(`${image}: no file name for ${filename} (${format})`);
      return posix.normalize(plain.replace(/^file:/, ''));
    });
  }

  map(image: string): GoldenMap {
    const opening = this.shop.opening(image);
    const chain = this.encrypted(image) ? [image] : this.chain(image);
    const found: Mutable<GoldenMap> = { chain, map: qemuMap(this.folder, ...opening) };
    const dense = qemuMap(this.dense, ...opening);
    if (JSON.stringify(dense) !== JSON.stringify(found.map)) found.dense = dense;
    if (chain.length > 1) {
      const file = { driver: 'file', filename: image };
      found.alone = qemuMap(this.folder, `json:${JSON.stringify({ driver: 'qcow2', backing: null, file })}`);
    }
    const snapshots = this.snapshotsOf(image);
    if (snapshots.length > 0) {
      found.snapshots = Object.fromEntries(snapshots.map((entry) => [entry.id, this.snapshotMap(image, entry)]));
    }
    return found;
  }

  private snapshotsOf(image: string): SnapshotEntry[] {
    return image.endsWith('.qcow2') ? snapshotEntries(readFileSync(join(this.folder, image))) : [];
  }

  /** Runs `use` on a copy of the image, beside it, of which the snapshot is the active state. */
  private withActive<T>(image: string, entry: SnapshotEntry, use: (copy: string) => T): T {
    const copy = posix.join(posix.dirname(image), `active-${entry.id}.qcow2`);
    const file = join(this.folder, copy);
    copyFileSync(join(this.folder, image), file);
    const bytes = readFileSync(file);
    activateSnapshot(bytes, entry);
    writeFileSync(file, bytes);
    try {
      return use(copy);
    } finally {
      rmSync(file);
    }
  }

  private snapshotMap(image: string, entry: SnapshotEntry): MapEntry[] {
    return this.withActive(image, entry, (copy) => qemuMap(this.folder, copy));
  }

  private snapshotContent(image: string, entry: SnapshotEntry): SnapshotContent {
    const own = this.withActive(image, entry, (copy) => this.content(copy));
    // The same by qemu-img's own way to a snapshot, which must agree.
    const applied = posix.join(posix.dirname(image), 'applied.qcow2');
    copyFileSync(join(this.folder, image), join(this.folder, applied));
    qemuImg(this.folder, 'snapshot', '-a', entry.id, applied);
    const check = this.content(applied);
    rmSync(join(this.folder, applied));
    if (check.sha256 !== own.sha256 || check.size !== own.size) {
      throw new Error(`${image}, snapshot ${entry.name}: applied, it reads differently`);
    }
    return { name: entry.name, ...own, converted: this.content(image, own.size, ['-l', `snapshot.id=${entry.id}`]) };
  }

  contentOf(image: string): GoldenContent {
    const found: Mutable<GoldenContent> = this.content(image);
    if (this.encrypted(image)) found.encrypted = true;
    const snapshots = this.snapshotsOf(image);
    if (snapshots.length > 0) {
      found.snapshots = Object.fromEntries(snapshots.map((entry) => [entry.id, this.snapshotContent(image, entry)]));
    }
    return found;
  }

  checkOf(image: string): GoldenCheck {
    const { code, report } = qemuCheck(this.folder, ...this.shop.opening(image));
    return { code, report };
  }

  infoOf(image: string): Record<string, unknown> {
    const format = image.endsWith('.raw') ? 'raw' : 'qcow2';
    return lastingInfo(qemuInfo(this.folder, '-f', format, image.includes(':') ? `./${image}` : image));
  }
}

/** One line an image. */
function checkText(checks: GoldenChecks): string {
  const lines = Object.entries(checks).map(([image, check]) => `${JSON.stringify(image)}:${JSON.stringify(check)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** One line an entry of a map, so that a change of a fixture can be read. */
function mapText(version: string, images: Readonly<Record<string, GoldenMap>>): string {
  const list = (entries: readonly unknown[]): string => {
    return `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}]`;
  };
  const body = Object.entries(images).map(([image, { chain, map, dense, alone, snapshots }]) => {
    const parts = [`"chain":${JSON.stringify(chain)}`, `"map":${list(map)}`];
    if (dense) parts.push(`"dense":${list(dense)}`);
    if (alone) parts.push(`"alone":${list(alone)}`);
    if (snapshots) {
      const states = Object.entries(snapshots).map(([id, entries]) => `${JSON.stringify(id)}:${list(entries)}`);
      parts.push(`"snapshots":{${states.join(',\n')}}`);
    }
    return `${JSON.stringify(image)}:{${parts.join(',\n')}}`;
  });
  return `{"qemu":${JSON.stringify(version)},"images":{\n${body.join(',\n')}\n}}\n`;
}

function make(recipe: Recipe, seed: number, version: string): number {
  return withTempFolder('golden', (temp) => {
    const [built, sparse, dense, scratch] = ['built', 'sparse', 'dense', 'scratch'].map((name) => {
      mkdirSync(join(temp, name));
      return join(temp, name);
    }) as [string, string, string, string];
    const shop = new Workshop(built, scratch, Draw.named(seed, recipe.name));
    recipe.build(shop);
    // The truth is asked about the files as they come out of the pack, never about those that went in.
    const packed = pack(built, shop.files);
    for (const file of unpack(packed, sparse)) {
      const holes = holesOf(sparse, file);
      if (holes === 'other') throw new Error(`${recipe.name}/${file.path}: this file system does not keep its holes`);
    }
    unpack(packed, dense, true);
    const witness = new Witness(sparse, dense, scratch, shop);
    const images = [...shop.files.keys()].filter((image) => /\.(qcow2|raw)$/.test(image));
    const maps = Object.fromEntries(images.map((image) => [image, witness.map(image)]));
    const info: GoldenInfo = Object.fromEntries(images.map((image) => [image, witness.infoOf(image)]));
    const content: GoldenContents = Object.fromEntries(images.map((image) => [image, witness.contentOf(image)]));
    const checks: GoldenChecks = Object.fromEntries(images.map((image) => [image, witness.checkOf(image)]));
    const target = join(goldenFolder(), recipe.name);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'images.br'), packed);
    writeFileSync(join(target, 'map.json'), mapText(version, maps));
    writeFileSync(join(target, 'info.json'), `${JSON.stringify(info, null, 1)}\n`);
    writeFileSync(join(target, 'content.json'), `${JSON.stringify(content, null, 1)}\n`);
    writeFileSync(join(target, 'check.json'), checkText(checks));
    const entries = Object.values(maps).reduce((sum, { map }) => sum + map.length, 0);
    console.log(`${recipe.name}: ${images.length} images, ${entries} map entries, ${packed.length} bytes`);
    return packed.length;
  });
}

/** @param args names of fixtures to make, or `damage`; all when empty. `--seed=N` draws other images. */
export function main(args: readonly string[]): void {
  const version = qemuVersion();
  if (!version || !isAtLeast(version, 8, 2)) {
    throw new Error('qemu-img and qemu-io 8.2 or newer are needed: install qemu-utils');
  }
  const seed = Number(args.find((arg) => arg.startsWith('--seed='))?.slice('--seed='.length) ?? 1);
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => name !== DAMAGE && !RECIPES.some((recipe) => recipe.name === name));
  if (unknown.length > 0) throw new Error(`no such fixture: ${unknown.join(', ')}`);
  const chosen = (name: string): boolean => names.length === 0 || names.includes(name);
  const recipes = RECIPES.filter(({ name }) => chosen(name));
  const total = recipes.reduce((sum, recipe) => sum + make(recipe, seed, version.text), 0);
  console.log(`${recipes.length} fixtures, ${total} bytes of images`);
  // Last, since one of them is a fixture that was broken.
  if (chosen(DAMAGE)) writeAnswers(version.text, DAMAGES);
}
