/**
 * Images broken on purpose: `vmdisk check` counts as `qemu-img check` does, says where it is, and speaks up where
 * `qemu-img check` is silent. What qemu-img says is kept in `test/fixtures/golden/damage.json`, and asked anew where it
 * is at hand.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CliResult, startCli } from '../support/cli';
import { isAtLeast, qemuVersion } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';
import { type CheckOutput, placeIsNamed, qemuKeys } from './checks';
import { type Damage, DAMAGES, UNNOTICED } from './damage';
import { askQemu, readAnswers, writeBroken } from './damage/answers';
import { MESSAGES } from './damage/messages';

/** The exit code for an image with corruptions. */
const CORRUPT = 2;

const PARENT = 'parent.raw';

const version = qemuVersion();
const comparable = version !== undefined && isAtLeast(version, 8, 2);
const { answers } = readAnswers();

describe('images broken on purpose', () => {
  const temp = makeTempFolder('damage');
  const folderOf = (damage: Damage): string => join(temp, String(DAMAGES.indexOf(damage)));
  const broken = new Map(DAMAGES.map((damage) => [damage, damage.build()]));
  const checks = new Map<Damage, Promise<CliResult>>();

  before(() => {
    for (const [damage, files] of broken) {
      const folder = folderOf(damage);
      mkdirSync(folder);
      const image = writeBroken(folder, files);
      checks.set(damage, startCli(['check', '--output', 'json', image], { cwd: folder }));
    }
  });

  after(async () => {
    await Promise.allSettled(checks.values());
    removeFolder(temp);
  });

  it('bring about every message of qemu-img check', () => {
    const printed = new Set(DAMAGES.flatMap(({ prints }) => prints));
    assert.deepEqual([...printed].sort(), Object.keys(MESSAGES).sort());
  });

  it('are those that qemu-img was asked about', () => {
    assert.deepEqual(Object.keys(answers).sort(), DAMAGES.map(({ name }) => name).sort());
  });

  it('are checked by themselves: the parent may be missing', async () => {
    const overlays = DAMAGES.filter((damage) => broken.get(damage)?.beside.some(({ name }) => name === PARENT));
    assert.notEqual(overlays.length, 0);
    for (const damage of overlays) {
      const orphan = join(temp, 'orphan');
      mkdirSync(orphan);
      const image = writeBroken(orphan, { ...broken.get(damage)!, beside: [] });
      const { code, stdout, stderr } = await startCli(['check', '--output', 'json', image], { cwd: orphan });
      assert.deepEqual({ code, report: qemuKeys(JSON.parse(stdout) as CheckOutput) }, answers[damage.name], stderr);
      removeFolder(orphan);
    }
  });

  for (const damage of DAMAGES) {
    const { name, prints } = damage;
    const answer = answers[name];

    it(name, async () => {
      const { code, stdout, stderr } = (await checks.get(damage))!;
      assert.notEqual(stdout, '', stderr);
      const output = JSON.parse(stdout) as CheckOutput;
      // Where qemu-img breaks off it prints no numbers.
      if (answer?.report) assert.deepEqual(qemuKeys(output), answer.report);
      if (UNNOTICED.includes(damage)) {
        assert(output.further > 0, 'nothing that qemu-img does not look for');
        assert.equal(code, CORRUPT, stderr);
      } else assert.equal(code, answer?.code, stderr);
      const at = broken.get(damage)?.at;
      if (at) assert(placeIsNamed(output, at), `${JSON.stringify(at)} is not named in ${problemsText(output)}`);
      else assert.deepEqual(output.problems, []);
    });

    if (!comparable) continue;

    it(`${name}: what qemu-img says of it`, () => {
      const { code, report, messages } = askQemu(folderOf(damage), broken.get(damage)!);
      assert.deepEqual({ code, report }, answer);
      for (const message of prints) assert.match(messages, MESSAGES[message], message);
    });
  }
});

function problemsText({ problems }: CheckOutput): string {
  return JSON.stringify(problems, undefined, 1);
}
