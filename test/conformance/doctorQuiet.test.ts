/** What the doctor must not be alarmed by: images that qemu-img made and finds nothing wrong with, and the sample. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codecsReady } from '../../src/node/codecs';
import { diagnose } from '../../src/node/doctor';
import { TRUST_ALL } from '../../src/node/gate';
import { repositoryRoot } from '../support/root';
import { unpack } from '../support/sparse';
import { makeTempFolder, removeFolder } from '../support/temp';
import { goldenNames, readGolden } from './golden';

/** What really is in a fixture: made on purpose, see `recipes`. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  facts: ['dirty dirty.qcow2', 'marked-corrupt corrupt.qcow2', 'parent-smaller on-empty.qcow2'],
  names: [
    'backing-format-absent no-format-raw.qcow2',
    'backing-format-absent no-format.qcow2',
    'backing-format-wrong format-raw.qcow2',
    ...['file', 'json-dotted', 'json-file', 'json-raw', 'json-window', 'json'].map(
      (name) => `relative-to-working-directory ${name}.qcow2`,
    ),
  ],
  // Raw files that end within a sector, under disks that are larger.
  raw: [
    'empty-file empty.raw',
    ...['all-hole', 'empty', 'odd-end', 'odd-hole', 'odd'].map((name) => `parent-smaller on-${name}.qcow2`),
  ],
  snapshots: ['parent-smaller sizes.qcow2'],
  'sparse-copy': ['check-corruptions cut.qcow2'],
};

describe('the doctor is not alarmed', function () {
  this.timeout(120_000);
  let temporary = '';
  /** Not directly in the system's: parents are looked for in the folders beside. */
  let folder = '';
  before(codecsReady);
  beforeEach(() => {
    temporary = makeTempFolder('doctor-quiet');
    folder = join(temporary, 'vms');
    mkdirSync(folder);
  });
  afterEach(() => {
    removeFolder(temporary);
  });

  const alarms = async (check: boolean): Promise<string[]> =>
    (await diagnose([folder], TRUST_ALL, {}, { check }))
      .filter(({ severity }) => severity !== 'info')
      .map(({ code, path }) => `${code} ${basename(path)}`)
      .sort();

  for (const name of goldenNames()) {
    it(`by the fixture ${name}`, async () => {
      unpack(readGolden(name).pack, folder);
      assert.deepEqual(await alarms(true), KNOWN[name] ?? []);
    });
  }

  it('by the sample', async () => {
    const script = join(repositoryRoot(), 'scripts', 'sample.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8', windowsHide: true });
    assert.equal(status, 0, stderr);
    // Made without its parent, to show what a chain that is broken looks like.
    assert.deepEqual(await alarms(true), ['parent-missing db01.snapshot.qcow2']);
  });
});
