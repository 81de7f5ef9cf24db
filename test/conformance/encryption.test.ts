import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCliJson } from '../support/cli';
import { qemuImg, qemuIo, qemuVersion } from '../support/qemu';
import { withSession } from '../support/session';
import { makeTempFolder, removeFolder } from '../support/temp';

const PASSPHRASE = 'a passphrase that is longer than a key';
const SECRET = ['--object', `secret,id=s,data=${PASSPHRASE}`] as const;
const CLUSTER = 65_536;

describe('encrypted images', () => {
  if (!qemuVersion()) {
    it('need qemu-img', () => {
      assert.equal(process.env['VMDISK_REQUIRE_QEMU'] ?? '', '', 'there is no qemu-img on PATH: install qemu-utils');
    });
    return;
  }
  let folder: string;

  before(() => {
    folder = makeTempFolder('encrypted');
  });

  after(() => {
    removeFolder(folder);
  });

  function make(name: string, format: 'aes' | 'luks'): void {
    const options = `encrypt.format=${format},encrypt.key-secret=s`;
    qemuImg(folder, 'create', '-q', '-f', 'qcow2', ...SECRET, '-o', options, name, '4M');
    const open = `driver=qcow2,encrypt.key-secret=s,file.filename=${name}`;
    qemuIo(folder, [...SECRET, '--image-opts', open], [`write -P 0x5a ${CLUSTER} ${CLUSTER}`]);
  }

  function factsOf(name: string): Promise<Record<string, unknown>> {
    return withSession(join(folder, name), undefined, ({ session }) =>
      Object.fromEntries(session.chain.layers[0]!.layer.facts.map(({ label, value }) => [label, value])),
    );
  }

  it('of AES are what is said of them: with that cipher, key and initialisation vector the content comes out', async () => {
    make('aes.qcow2', 'aes');
    const facts = await factsOf('aes.qcow2');
    assert.equal(facts['Encryption'], 'AES (aes-128-cbc, plain64)');
    assert.equal(facts['Key'], 'the first 16 bytes of the passphrase');
    const bytes = readFileSync(join(folder, 'aes.qcow2'));
    const offsetOf = (at: number): number => Number(bytes.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n);
    const host = offsetOf(offsetOf(offsetOf(40)) + 8);
    const iv = Buffer.alloc(16);
    iv.writeBigUInt64LE(BigInt(CLUSTER / 512));
    const decipher = createDecipheriv('aes-128-cbc', Buffer.from(PASSPHRASE).subarray(0, 16), iv).setAutoPadding(false);
    const sector = Buffer.concat([decipher.update(bytes.subarray(host, host + 512)), decipher.final()]);
    assert.deepEqual(sector, Buffer.alloc(512, 0x5a));
  });

  it('of LUKS are described as qemu-img does', async () => {
    make('luks.qcow2', 'luks');
    const facts = await factsOf('luks.qcow2');
    const { encrypt } = (
      JSON.parse(qemuImg(folder, 'info', '--output=json', 'luks.qcow2')) as {
        'format-specific': { data: { encrypt: Record<string, unknown> & { slots: { active: boolean }[] } } };
      }
    )['format-specific'].data;
    const cipher = `${String(encrypt['cipher-alg'])}-${String(encrypt['cipher-mode'])}`;
    assert.equal(facts['Encryption'], `LUKS (${cipher}, ${String(encrypt['ivgen-alg'])})`);
    const active = encrypt.slots.filter((slot) => slot.active).length;
    assert.equal(facts['Key slots'], `${active} of ${encrypt.slots.length} in use`);
    assert.equal(facts['Key derivation'], `PBKDF2 with ${String(encrypt['hash-alg'])}`);
    assert.equal(facts['LUKS id'], encrypt['uuid']);
  });

  for (const name of ['aes.qcow2', 'luks.qcow2']) {
    it(`${name}: who owns what is known, the content is not`, async () => {
      const chain = runCliJson(['chain', name], { cwd: folder }) as { layers: { owned: number }[]; unknown: number };
      assert.deepEqual([chain.layers[0]?.owned, chain.unknown], [CLUSTER, 0]);
      await withSession(join(folder, name), undefined, ({ session, picture }) => {
        const target = new Uint8Array(CLUSTER).fill(1);
        const [gap] = session.read(picture, CLUSTER, target);
        assert.match(gap?.why ?? '', /encrypted/);
        assert.deepEqual(target, new Uint8Array(CLUSTER));
      });
    });
  }
});
