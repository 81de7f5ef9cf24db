import assert from 'node:assert/strict';
import { readHeader } from '../../../../../src/core/formats/qcow2/header';
import type { LuksInfo } from '../../../../../src/core/formats/luks/luks1';
import { readLuks } from '../../../../../src/core/formats/qcow2/luks';
import type { Finding } from '../../../../../src/core';
import type { BuiltQcow2 } from '../../../../fixtures/build/index';
import { buildQcow2, EXTENSION } from '../../../../fixtures/build/index';
import { memorySource } from '../../../../support/memory';

const AT = 0x100000;

interface Luks {
  readonly cipher?: string;
  readonly mode?: string;
  readonly keyBytes?: number;
}

/** An image that says it is encrypted, with a LUKS1 header of two used slots. */
function build({ cipher = 'aes', mode = 'xts-plain64', keyBytes = 64 }: Luks = {}, pointer = true): BuiltQcow2 {
  const place = new DataView(new ArrayBuffer(16));
  place.setBigUint64(0, BigInt(AT));
  place.setBigUint64(8, 592n);
  const extensions = pointer ? [{ type: EXTENSION.encryption, data: new Uint8Array(place.buffer) }] : [];
  const built = buildQcow2({ size: 2 ** 20, extensions });
  const { image } = built;
  const text = (at: number, value: string): unknown => image.poke(AT + at, new TextEncoder().encode(value));
  image.pokeU32(32, 2).truncate(AT + 592);
  text(0, 'LUKS');
  image.poke(AT + 4, [0xba, 0xbe, 0, 1]);
  text(8, cipher);
  text(40, mode);
  text(72, 'sha256');
  image
    .pokeU32(AT + 104, 4040)
    .pokeU32(AT + 108, keyBytes)
    .pokeU32(AT + 164, 10948);
  text(168, 'f9926786-ba66-4312-90f5-8ccb6d933e77');
  for (let slot = 0; slot < 8; slot += 1) {
    const at = AT + 208 + slot * 48;
    const used = slot === 0 || slot === 7;
    image
      .pokeU32(at, used ? 0x00ac71f3 : 0x0000dead)
      .pokeU32(at + 4, 44102 + slot)
      .pokeU32(at + 40, 8 + slot * 504)
      .pokeU32(at + 44, 4000);
  }
  return built;
}

function read({ image }: BuiltQcow2): { luks: LuksInfo | undefined; findings: readonly Finding[] } {
  const source = memorySource(image);
  return readLuks(source, readHeader(source));
}

describe('the LUKS header of an encrypted image', () => {
  it('is told in the words of qemu-img', () => {
    const unused = [1, 2, 3, 4, 5, 6].map((slot) => ({ active: false, 'key-offset': 4096 + slot * 504 * 512 }));
    assert.deepEqual(read(build()), {
      luks: {
        'cipher-alg': 'aes-256',
        'cipher-mode': 'xts',
        'ivgen-alg': 'plain64',
        'hash-alg': 'sha256',
        'detached-header': false,
        uuid: 'f9926786-ba66-4312-90f5-8ccb6d933e77',
        'payload-offset': 2068480,
        'master-key-iters': 10948,
        slots: [
          { active: true, iters: 44102, 'key-offset': 4096, stripes: 4000 },
          ...unused,
          { active: true, iters: 44109, 'key-offset': 4096 + 7 * 504 * 512, stripes: 4000 },
        ],
      },
      findings: [],
    });
  });

  it('has all of its key where the mode does not split it, and a hash behind its IVs', () => {
    const { luks } = read(build({ cipher: 'serpent', mode: 'cbc-essiv:sha512', keyBytes: 32 }));
    assert(luks);
    assert.deepEqual(
      [luks['cipher-alg'], luks['cipher-mode'], luks['ivgen-alg'], luks['ivgen-hash-alg']],
      ['serpent-256', 'cbc', 'essiv', 'sha512'],
    );
  });

  it('is not asked for where nothing is encrypted', () => {
    const built = build();
    for (const method of [0, 1]) {
      built.image.pokeU32(32, method);
      assert.deepEqual(read(built), { luks: undefined, findings: [] });
    }
  });

  const broken: Readonly<Record<string, readonly [BuiltQcow2, RegExp]>> = {
    'nobody points at': [build({}, false), /does not say where/],
    'is cut short': [
      (() => {
        const built = build();
        built.image.truncate(AT + 591);
        return built;
      })(),
      /ends inside/,
    ],
    'is none': [
      (() => {
        const built = build();
        built.image.poke(AT + 5, [0]);
        return built;
      })(),
      /no LUKS header/,
    ],
    'is of version 2': [
      (() => {
        const built = build();
        built.image.pokeU16(AT + 6, 2);
        return built;
      })(),
      /version 2/,
    ],
  };
  for (const [name, [built, message]] of Object.entries(broken)) {
    it(`that ${name} is a finding`, () => {
      const { luks, findings } = read(built);
      assert.equal(luks, undefined);
      assert.deepEqual(
        findings.map(({ code, severity }) => [code, severity]),
        [['luks-header', 'error']],
      );
      assert.match(findings[0]?.message ?? '', message);
    });
  }
});
