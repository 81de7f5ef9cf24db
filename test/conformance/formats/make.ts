/** Makes the fixtures of formats and asks the judges about them: run `node scripts/make-format-fixtures.mjs`. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isAtLeast, qemuCheck, qemuInfo, qemuMap, qemuVersion } from '../../support/qemu';
import { Draw } from '../../support/random';
import { holesOf, pack, unpack } from '../../support/sparse';
import { withTempFolder } from '../../support/temp';
import { lastingInfo } from '../info';
import { digestOfDisk, digestOfFile, type Digest } from './contentHash';
import { type Expected, expectedText, fixturesFolder, type Judges } from './expected';
import { FORMATS } from './index';
import { qemuName, type Question, readBy, readByQemu } from './judges';
import { type FormatRecipe, FormatShop, type Known, type Part } from './recipe';

const SEED = 1;
const BY_HAND = 'by hand';
const NO_CHECK = 63;
const ALL_PARTS: readonly Part[] = ['content', 'map', 'info', 'check'];

/** The truth about one fixture: what its recipe knows, and what the judges say of the files as they come out of the pack. */
class Court {
  constructor(
    private readonly recipe: FormatRecipe,
    private readonly known: Known,
    private readonly question: Question,
    private readonly dense: string,
    private readonly scratch: string,
  ) {}

  expected(): Expected {
    const { branch, leaf, because, end = 'base', qemu } = this.recipe;
    if (qemu && because === undefined)
      throw new Error(`${this.recipe.name}: say why qemu-img does not judge all of it`);
    const { findings = [] } = this.known;
    const content = this.content();
    const maps = this.maps();
    const info = this.info();
    const check = this.asks('check') ? this.qemuCheck() : undefined;
    const problems = this.known.problems ?? (check && check.code !== 0 ? undefined : []);
    const judges: Judges = {
      ...(content && { content: content.judges }),
      map: this.known.map ? BY_HAND : qemuName(),
      ...(info && { info: this.known.info ? BY_HAND : qemuName() }),
      ...(check && { check: qemuName() }),
    };
    return {
      leaf,
      branch,
      judges,
      ...(because !== undefined && { because }),
      chain: this.question.chain,
      end,
      ...(content && { content: content.digest }),
      findings: [...findings].sort(),
      ...(problems && { problems: [...problems].sort() }),
      ...(check && { check }),
      ...(info && { info }),
      ...maps,
    };
  }

  private asks(part: Part): boolean {
    return (this.recipe.qemu ?? ALL_PARTS).includes(part);
  }

  private content(): { digest: Digest; judges: string[] } | undefined {
    const { others = [] } = this.recipe;
    const verdicts = new Map<string, Digest>();
    if (this.known.disk) verdicts.set(BY_HAND, digestOfDisk(this.known.disk));
    const ask = (read: (out: string) => string): void => {
      const out = join(this.scratch, 'out.raw');
      const judge = read(out);
      verdicts.set(judge, digestOfFile(out));
      rmSync(out);
    };
    if (this.asks('content')) {
      ask((out) => {
        readByQemu(this.question, out);
        return qemuName();
      });
    }
    for (const judge of others) ask((out) => readBy(judge, this.question, out));
    const [digest] = verdicts.values();
    if (!digest) {
      const { end = 'base' } = this.recipe;
      if (end === 'base' && !this.known.unreadable) throw new Error('nobody tells the content');
      return undefined;
    }
    for (const [judge, other] of verdicts) assert.deepEqual(other, digest, `${judge} reads something else`);
    return { digest, judges: [...verdicts.keys()] };
  }

  private maps(): Pick<Expected, 'map' | 'dense'> {
    const { map, dense } = this.known;
    if (map) return { map, ...(dense && { dense }) };
    if (!this.asks('map')) throw new Error('nobody tells the map');
    const { folder, format } = this.question;
    const [sparse, full] = [folder, this.dense].map((where) => qemuMap(where, '-f', format, this.recipe.leaf));
    if (!sparse || !full) throw new Error('no map');
    return { map: sparse, ...(JSON.stringify(sparse) !== JSON.stringify(full) && { dense: full }) };
  }

  private info(): Expected['info'] {
    if (this.known.info) return this.known.info;
    if (!this.asks('info')) return undefined;
    const { folder, format } = this.question;
    return lastingInfo(qemuInfo(folder, '-f', format, this.recipe.leaf));
  }

  private qemuCheck(): Expected['check'] {
    const { folder, format } = this.question;
    const { code, report } = qemuCheck(folder, '-f', format, this.recipe.leaf);
    return code === NO_CHECK ? undefined : { code, report };
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

function make(format: string, recipe: FormatRecipe): number {
  return withTempFolder('format', (temp) => {
    const [built, sparse, dense, scratch] = ['built', 'sparse', 'dense', 'scratch'].map((name) => {
      mkdirSync(join(temp, name));
      return join(temp, name);
    }) as [string, string, string, string];
    const shop = new FormatShop(built, scratch, Draw.named(SEED, `${format}/${recipe.name}`));
    const known = recipe.make(shop) ?? {};
    const packed = pack(built, new Map(filesBelow(built).map((file) => [file, shop.holes.get(file) ?? 'sparse'])));
    for (const file of unpack(packed, sparse)) {
      const holes = holesOf(sparse, file);
      if (holes === 'other') throw new Error(`${recipe.name}/${file.path}: this file system does not keep its holes`);
    }
    unpack(packed, dense, true);
    const question = { folder: sparse, format, chain: recipe.chain ?? [recipe.leaf] };
    const expected = new Court(recipe, known, question, dense, scratch).expected();
    const target = fixturesFolder(format, recipe.name);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'images.br'), packed);
    writeFileSync(join(target, 'expected.json'), expectedText(expected));
    const judges = [...new Set([...(expected.judges.content ?? []), expected.judges.map])].join(', ');
    console.log(`${format}/${recipe.name}: ${expected.map.length} map entries, ${packed.length} bytes, by ${judges}`);
    return packed.length;
  });
}

/** @param args formats, or `FORMAT/NAME`; all when empty */
export function main(args: readonly string[]): void {
  const version = qemuVersion();
  if (!version || !isAtLeast(version, 8, 2))
    throw new Error('qemu-img and qemu-io 8.2 or newer are needed: install qemu-utils');
  const all = Object.entries(FORMATS).flatMap(([format, recipes]) => recipes.map((recipe) => ({ format, recipe })));
  const means = (arg: string, { format, recipe }: (typeof all)[number]): boolean =>
    arg === format || arg === `${format}/${recipe.name}`;
  const unknown = args.filter((arg) => !all.some((one) => means(arg, one)));
  if (unknown.length > 0) throw new Error(`no such format or fixture: ${unknown.join(', ')}`);
  const failures: string[] = [];
  for (const one of all.filter((each) => args.length === 0 || args.some((arg) => means(arg, each)))) {
    try {
      make(one.format, one.recipe);
    } catch (error) {
      failures.push(`${one.format}/${one.recipe.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const failure of failures) console.error(`✗ ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}
