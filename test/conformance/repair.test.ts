/**
 * Repairs: what qemu-img mends of images broken on purpose, that the copy kept before puts back every byte, and that a
 * repair of leaks changes nothing that a guest reads.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RepairMode } from '../../src/core';
import { DiskError } from '../../src/core';
import { TRUST_ALL } from '../../src/node/gate';
import { findQemuImg } from '../../src/node/qemuImg';
import type { QemuImg } from '../../src/node/qemuImg';
import { repair, undoRepair } from '../../src/node/snapshots/repair';
import { qemuCheck, qemuImg, qemuIo, qemuVersion } from '../support/qemu';
import { makeTempFolder, removeFolder } from '../support/temp';
import { DAMAGES } from './damage';
import { readAnswers, writeBroken } from './damage/answers';

/** As if it had not been written to lately: otherwise each look at who uses it takes a second. */
const settle = (file: string): void => {
  utimesSync(file, 1_000_000, 1_000_000);
};

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

(qemuVersion() ? describe : describe.skip)('repairs', () => {
  const temp = makeTempFolder('repair');
  let tool: QemuImg;
  before(async () => {
    tool = await findQemuImg();
  });
  after(() => {
    removeFolder(temp);
  });

  const { answers } = readAnswers();
  for (const mode of ['leaks', 'all'] as const) {
    for (const damage of DAMAGES) {
      if (mode === 'leaks' && !(Number(answers[damage.name]?.report?.['leaks'] ?? 0) > 0)) continue;
      it(`${mode}: ${damage.name}`, async () => {
        const folder = join(temp, `${mode}-${DAMAGES.indexOf(damage)}`);
        mkdirSync(folder);
        const broken = damage.build();
        const image = join(folder, writeBroken(folder, broken));
        settle(image);
        const before = hashOf(image);
        const others = readdirSync(folder).sort();
        let kept: string;
        try {
          const done = await repair({ image, mode }, tool, TRUST_ALL);
          if (done.kept === undefined) {
            assert.equal(hashOf(image), before);
            assert.deepEqual(readdirSync(folder).sort(), others);
            return;
          }
          kept = done.kept;
          const { report } = qemuCheck(folder, '-f', 'qcow2', image);
          assert.equal(report?.['leaks'] ?? 0, done.after.leaks);
        } catch (error) {
          if (!(error instanceof DiskError)) throw error;
          kept = `${image}.before-repair`;
          if (!existsSync(kept)) {
            // Refused, or qemu-img did nothing: nothing is left behind.
            assert.equal(hashOf(image), before, error.message);
            assert.deepEqual(readdirSync(folder).sort(), others);
            return;
          }
          assert.match(error.advice ?? '', /--undo/);
        }
        assert.equal(statSync(kept).size, statWas(broken));
        settle(image);
        await undoRepair(image, kept);
        assert.equal(hashOf(image), before, 'the copy does not put back every byte');
        assert.deepEqual(readdirSync(folder).sort(), others, 'what was put back is not kept any longer');
      });
    }
  }

  const statWas = ({ image }: { readonly image: { readonly size: number } }): number => image.size;

  it('of leaks give back what nothing uses, and the guest reads the same', async () => {
    const image = join(temp, 'leaky.qcow2');
    makeLeaky(image);
    const before = qemuImg(temp, 'map', '--output=json', image);
    const done = await repair({ image, mode: 'leaks' }, tool, TRUST_ALL);
    assert.deepEqual(done.before, { corruptions: 0, leaks: 3 });
    assert.deepEqual(done.after, { corruptions: 0, leaks: 0 });
    assert.equal(qemuCheck(temp, image).code, 0);
    assert.equal(qemuImg(temp, 'map', '--output=json', image), before);
    qemuIo(temp, ['-f', 'qcow2', image], ['read -P 7 0 1M']);
  });

  it('are not undone once the image was written to', async () => {
    const image = join(temp, 'written.qcow2');
    makeLeaky(image);
    const { kept = '' } = await repair({ image, mode: 'leaks' }, tool, TRUST_ALL);
    qemuIo(temp, ['-f', 'qcow2', image], ['write -P 9 2M 64k']);
    const now = hashOf(image);
    await assert.rejects(undoRepair(image, kept), /was written to since/);
    assert.equal(hashOf(image), now);
  });

  it('do not begin on an image that was written to while it was looked at', async () => {
    const image = join(temp, 'meanwhile.qcow2');
    makeLeaky(image);
    let written = false;
    const progress = (what: string): void => {
      if (written || !what.startsWith('keeps ')) return;
      written = true;
      qemuIo(temp, ['-f', 'qcow2', image], ['write -P 9 4M 64k']);
    };
    await assert.rejects(repair({ image, mode: 'leaks' }, tool, TRUST_ALL, { progress }), /written to meanwhile/);
    assert(written);
    assert(!existsSync(`${image}.before-repair`), 'no copy of neither moment is left');
    assert.equal(qemuCheck(temp, image).report?.['leaks'], 3);
  });

  it('of an image whose parent is missing need no parent', async () => {
    const image = join(temp, 'orphan.qcow2');
    qemuImg(temp, 'create', '-q', '-f', 'qcow2', '-u', '-b', 'gone.raw', '-F', 'raw', image, '8M');
    qemuIo(
      temp,
      [`json:${JSON.stringify({ driver: 'qcow2', file: { driver: 'file', filename: image }, backing: null })}`],
      ['write -P 7 0 1M'],
    );
    leak(image, 2);
    const done = await repair({ image, mode: 'leaks' }, tool, TRUST_ALL);
    assert.deepEqual(done.after, { corruptions: 0, leaks: 0 });
  });

  for (const [what, mode] of [
    ['raw', 'all'],
    ['of another format (QED)', 'all'],
    ['encrypted', 'all'],
  ] as const satisfies readonly (readonly [string, RepairMode])[]) {
    it(`of an image that is ${what} are refused`, async () => {
      const image = join(temp, `${what}.img`);
      if (what === 'raw') writeFileSync(image, Buffer.alloc(4096));
      else if (what !== 'encrypted') qemuImg(temp, 'create', '-q', '-f', 'qed', image, '1M');
      else {
        const secret = ['--object', 'secret,id=key,data=secret'];
        qemuImg(
          temp,
          'create',
          '-q',
          ...secret,
          '-f',
          'qcow2',
          '-o',
          'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10',
          image,
          '1M',
        );
      }
      const before = hashOf(image);
      await assert.rejects(repair({ image, mode }, tool, TRUST_ALL), { code: 'refused' });
      assert.equal(hashOf(image), before);
      assert.equal(existsSync(`${image}.before-repair`), false);
    });
  }

  function makeLeaky(image: string): void {
    qemuImg(temp, 'create', '-q', '-f', 'qcow2', image, '8M');
    qemuIo(temp, ['-f', 'qcow2', image], ['write -P 7 0 1M']);
    leak(image, 3);
  }
});

/** Counts clusters at the end of the file that nothing refers to: 64 KiB each, counts of 16 bits. */
function leak(image: string, clusters: number): void {
  const bytes = readFileSync(image);
  const end = Math.ceil(bytes.length / 65_536);
  const longer = Buffer.concat([bytes, Buffer.alloc((end + clusters) * 65_536 - bytes.length, 0xee)]);
  const block = Number(longer.readBigUInt64BE(Number(longer.readBigUInt64BE(48))));
  for (let cluster = end; cluster < end + clusters; cluster += 1) longer.writeUInt16BE(1, block + 2 * cluster);
  writeFileSync(image, longer);
}
