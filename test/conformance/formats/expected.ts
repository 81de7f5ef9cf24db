/**
 * The fixtures of formats: `test/fixtures/formats/FORMAT/NAME/` holds `images.br`, the files (see `support/sparse.ts`), and
 * `expected.json`, which is an `Expected`. `FORMAT` is a driver's id.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChainEndKind } from '../../../src/core';
import type { MapEntry, QemuCheck } from '../../support/qemu';
import { repositoryRoot } from '../../support/root';
import type { Facts } from '../info';
import type { Digest } from './contentHash';

/** Who said what is expected, each with its version; `by hand` is worked out in the recipe from the format's specification. */
export interface Judges {
  /** All of them gave the same. */
  readonly content?: readonly string[];
  readonly map: string;
  readonly info?: string;
  readonly check?: string;
}

/** What is true of the newest image of a fixture. Files are paths below the fixture's folder. */
export interface Expected {
  readonly leaf: string;
  /** Which branch of the driver it is for, in a line. */
  readonly branch: string;
  readonly judges: Judges;
  /** Why it was not qemu-img that judged all of it. */
  readonly because?: string;
  /** The images of the chain that can be read, newest first. */
  readonly chain: readonly string[];
  readonly end: ChainEndKind;
  /** Left out where not all of it can be read. */
  readonly content?: Digest;
  /** Codes of the findings that are more than information, of all layers, sorted. */
  readonly findings: readonly string[];
  /** Codes of the problems that a check finds, sorted; left out where its numbers alone count. */
  readonly problems?: readonly string[];
  /** What `qemu-img check` says; left out where it checks nothing. */
  readonly check?: Pick<QemuCheck, 'code' | 'report'>;
  /** What `qemu-img info` says that lasts. */
  readonly info?: Facts;
  /** In the words of `qemu-img map`. */
  readonly map: readonly MapEntry[];
  /** The map where the files have no holes, or none can be seen, if it differs. */
  readonly dense?: readonly MapEntry[];
}

export interface FormatFixture {
  readonly format: string;
  readonly name: string;
  readonly pack: Uint8Array;
  readonly expected: Expected;
}

export function fixturesFolder(...path: readonly string[]): string {
  return join(repositoryRoot(), 'test', 'fixtures', 'formats', ...path);
}

const foldersIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : [];

export const formatsWithFixtures = (): string[] => foldersIn(fixturesFolder());

export function fixturesOf(format: string): FormatFixture[] {
  return foldersIn(fixturesFolder(format)).map((name) => ({
    format,
    name,
    pack: readFileSync(fixturesFolder(format, name, 'images.br')),
    expected: JSON.parse(readFileSync(fixturesFolder(format, name, 'expected.json'), 'utf8')) as Expected,
  }));
}

/** The file's text: one line an entry of a map, so that a change of a fixture can be read. */
export function expectedText({ map, dense, ...others }: Expected): string {
  const list = (entries: readonly MapEntry[]): string =>
    `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n ]`;
  const head = JSON.stringify(others, null, 1).slice(0, -2);
  const maps = [`"map": ${list(map)}`, ...(dense ? [`"dense": ${list(dense)}`] : [])];
  return `${head},\n ${maps.join(',\n ')}\n}\n`;
}
