import assert from 'node:assert/strict';
import type { Finding, Layer } from '../../../../../src/core';
import { DiskError, finish, Kind, qemuMap, Session } from '../../../../../src/core';
import type { Luks2Spec } from '../../../../fixtures/build/luks';
import { buildLuks2, LUKS2_JSON, LUKS2_UUID } from '../../../../fixtures/build/luks';
import type { SparseImage } from '../../../../fixtures/build/index';
import { extentsOf, MemoryDisk } from '../../../../support/memory';

const MIB = 2 ** 20;

function open(image: SparseImage): Session {
  const disk = new MemoryDisk().put('/x', { bytes: image, extents: extentsOf(image.size, [[0, 4096]]) });
  return new Session(disk.environment, disk.leaf('/x'));
}

const layerOf = (image: SparseImage): Layer => open(image).chain.layers[0]?.layer ?? assert.fail();

const fact = ({ facts }: Layer, name: string): unknown => facts.find(({ label }) => label === name)?.value;
const told = ({ findings }: Layer): [Finding['severity'], string][] =>
  findings.map(({ severity, message }) => [severity, message]);

/** A version 1 header whose payload begins at a sector, in a file of 4 MiB. */
function luks1(payloadSector: number, size = 4 * MIB): SparseImage {
  const image = buildLuks2({ size });
  const field = (at: number, value: string): unknown => image.poke(at, new TextEncoder().encode(`${value}\0`));
  image.poke(6, [0, 1]);
  field(8, 'aes');
  field(40, 'xts-plain64');
  field(72, 'sha256');
  image.pokeU32(104, payloadSector).pokeU32(108, 64).pokeU32(208, 0x00ac71f3);
  return image;
}

describe('a LUKS container', () => {
  it('of version 1 is a disk of what its payload has, which can not be read', () => {
    const session = open(luks1(4096));
    const [{ layer } = assert.fail()] = session.chain.layers;
    assert.deepEqual([layer.format, layer.guestSize, layer.readable], ['luks', 2 * MIB, false]);
    assert.equal(fact(layer, 'Encryption'), 'LUKS (aes-256-xts, plain64)');
    assert.equal(fact(layer, 'Key slots'), '1 of 8 in use');
    assert.deepEqual(layer.findings, []);
    assert.throws(
      () => {
        layer.read(session.view, 0 as never, new Uint8Array(1));
      },
      (error) => error instanceof DiskError && error.code === 'encrypted',
    );
  });

  it('has data where its file has holes, and no places in the file, which hold cipher text', () => {
    const session = open(luks1(4096));
    const entries = [...qemuMap(session.chain, session.from)].filter((entry) => entry !== undefined);
    assert.deepEqual(
      entries.map(({ length, data, zero, offset }) => [length, data, zero, offset]),
      [[2 * MIB, true, false, undefined]],
    );
    const step = session.trace(512).steps[0];
    assert.deepEqual([step?.kind, step?.hostOffset], [Kind.Data, 2 * MIB + 512]);
  });

  it('of version 2 is told of by its JSON', () => {
    const layer = layerOf(buildLuks2());
    assert.deepEqual([layer.format, layer.guestSize, layer.readable], ['luks', 2 * MIB, false]);
    const names = ['Version', 'Encryption', 'Key size', 'Encrypted in sectors of', 'Key slots', 'Key derivation'];
    assert.deepEqual(
      [...names, 'Label', 'LUKS id', 'Payload at', 'LUKS header'].map((name) => fact(layer, name)),
      [
        2,
        'LUKS (aes-xts-plain64)',
        512,
        4096,
        '0, 3 in use',
        'argon2id, pbkdf2',
        'backup',
        LUKS2_UUID,
        MIB,
        'the first, sequence number 7',
      ],
    );
    assert.deepEqual(told(layer), []);
  });

  it('of version 2 tells all of its segments while it is being encrypted anew', () => {
    const json = {
      ...LUKS2_JSON,
      segments: {
        0: { type: 'crypt', offset: '1048576', size: '524288', encryption: 'aes-xts-plain64', sector_size: 512 },
        1: { type: 'linear', offset: '1572864', size: 'dynamic' },
      },
      config: { requirements: { mandatory: ['online-reencrypt', 7] } },
    };
    const layer = layerOf(buildLuks2({ json }));
    assert.equal(layer.guestSize, MIB / 2);
    assert.equal(fact(layer, 'Segments'), 'crypt from byte 1048576, 512 KiB; linear from byte 1572864 to the end');
    assert.equal(fact(layer, 'Requires'), 'online-reencrypt');
  });
});

describe('the two headers of a LUKS container', () => {
  const cases: Readonly<Record<string, readonly [Luks2Spec, (image: SparseImage) => unknown, string, RegExp[]]>> = {
    'of which the second is newer': [
      { sequences: [7, 9] },
      () => 0,
      'second',
      [/warning: the two LUKS headers differ/],
    ],
    'of which the first is damaged': [
      {},
      (image) => image.poke(30, [1]),
      'second',
      [/warning: the first LUKS header is not used: its checksum does not hold/],
    ],
    'of which the second is damaged': [
      { headerSize: 0x8000 },
      (image) => image.poke(0x8000 + 30, [1]),
      'first',
      [/warning: the second LUKS header is not used: its checksum/],
    ],
    'of which the second is gone': [
      {},
      (image) => image.poke(0x4000, [0]),
      'first',
      [/warning: the second LUKS header is not used: there is none/],
    ],
    'of which the first has a size that can not be': [
      { headerSize: 0x10000 },
      (image) => image.poke(8, [0, 0, 0, 0, 0, 0, 0x30, 0]),
      'second',
      [/warning: the first LUKS header is not used: its size, 12288 bytes/],
    ],
    'of which the first has a size past all numbers': [
      {},
      (image) => image.poke(8, [255]),
      'second',
      [/warning: the first LUKS header is not used: its size, 18374686479671640064 bytes, is none/],
    ],
    'that are both damaged': [
      {},
      (image) => image.poke(30, [1]).poke(0x4000 + 30, [1]),
      'first',
      [/error: no LUKS header is sound; what the first says is told/, /warning: the second LUKS header is not used/],
    ],
    'whose checksum is of another kind': [
      { checksum: 'sha512' },
      () => 0,
      'first',
      [/info: the checksum of the LUKS header is of a kind/],
    ],
  };
  for (const [name, [spec, damage, used, expected]] of Object.entries(cases)) {
    it(name, () => {
      const image = buildLuks2(spec);
      damage(image);
      const layer = layerOf(image);
      assert.match(String(fact(layer, 'LUKS header')), new RegExp(`^the ${used},`));
      const messages = told(layer).map((each) => each.join(': '));
      assert.equal(messages.length, expected.length, messages.join('\n'));
      expected.forEach((pattern, index) => {
        assert.match(messages[index] ?? '', pattern);
      });
    });
  }

  it('that say nothing at all are an error, with what to do', () => {
    const image = buildLuks2({ json: '{"keyslots":' });
    assert.throws(
      () => layerOf(image),
      (error) =>
        error instanceof DiskError && error.code === 'corrupt' && (error.advice ?? '').includes('luksHeaderRestore'),
    );
  });

  it('of which none can be used are an error that says why', () => {
    const cases: readonly (readonly [(image: SparseImage) => unknown, RegExp])[] = [
      [(image) => image.poke(8, [0, 0, 0, 0, 0, 0, 0x30, 0]), /of the first, its size, 12288 bytes, is none/],
      [(image) => image.poke(256, [0, 0, 0, 0, 0, 0, 0x40, 0]), /of the first, it says that it stands elsewhere/],
      [(image) => image.poke(256, [255]), /of the first, it says that it stands elsewhere/],
      [(image) => image.truncate(4095), /of the first, the file ends inside it/],
      [(image) => image.truncate(0x3fff), /of the first, the file ends inside it/],
    ];
    for (const [damage, why] of cases) {
      const image = buildLuks2();
      image.poke(0x4000, [0]);
      damage(image);
      assert.throws(
        () => layerOf(image),
        (error) => error instanceof DiskError && error.code === 'corrupt' && why.test(error.message),
      );
    }
  });

  it('whose JSON is nested a million deep are an error, too, or say nothing', () => {
    const image = buildLuks2({ json: '['.repeat(1_000_000), headerSize: 0x200000, size: 8 * MIB });
    assert.throws(() => layerOf(image), DiskError);
  });

  it('may hold whatever in place of what is expected', () => {
    const odd = [
      { keyslots: 7, segments: [], config: { requirements: 'x' } },
      { keyslots: { 0: null, 1: 'x' }, segments: { 0: 'x', 1: { offset: 5 }, 2: { offset: '99999999999999999999' } } },
      { keyslots: { 0: { key_size: -1, kdf: [] } }, segments: { 0: { offset: '-5', type: {} } } },
      { segments: JSON.parse('{"__proto__": {"offset": "0"}}') as unknown },
      null,
      5,
    ];
    for (const json of odd) {
      const layer = layerOf(buildLuks2({ json }));
      assert.match(told(layer).join(), /names no segment|header of a container alone/);
      assert.equal(layer.guestSize, JSON.stringify(json).includes('__proto__') ? 3 * MIB : 0);
    }
  });

  it('tell no more key slots than there can be', () => {
    const keyslots = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [index, {}]));
    const layer = layerOf(buildLuks2({ json: { ...LUKS2_JSON, keyslots } }));
    assert.equal(String(fact(layer, 'Key slots')).split(',').length, 32);
  });
});

describe('the payload of a LUKS container', () => {
  it('that begins past the end of the file is no disk, and an error', () => {
    const layer = layerOf(luks1(2 ** 32 - 1));
    assert.equal(layer.guestSize, 0);
    assert.deepEqual(told(layer).length, 1);
    assert.match(told(layer).join(), /error,the file ends at byte 4194304, before the encrypted content/);
  });

  it('that is cut short keeps its size, and is told as lost', () => {
    const segments = { 0: { type: 'crypt', offset: '1048576', size: '8388608', encryption: 'aes-xts-plain64' } };
    const session = open(buildLuks2({ json: { ...LUKS2_JSON, segments } }));
    assert.equal(session.view.guestSize, 8 * MIB);
    assert.match(
      told(session.chain.layers[0]?.layer ?? assert.fail()).join(),
      /before the encrypted content does \(byte 9437184\)/,
    );
    const { accounting } = finish(session.scan());
    assert.equal(accounting.layers[0]?.owned, 8 * MIB);
  });

  it('that is elsewhere is told as such', () => {
    assert.match(told(layerOf(luks1(0))).join(), /info,this is the header of a container alone/);
  });

  it('of a header that is cut short is an error', () => {
    const image = luks1(4096);
    image.truncate(591);
    assert.throws(() => layerOf(image), /ends inside the LUKS header/);
  });
});
