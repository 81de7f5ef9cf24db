import assert from 'node:assert/strict';
import type { Layer } from '../../../../../src/core';
import { DiskError, openChain, probeInput, sniff } from '../../../../../src/core';
import { readFooter } from '../../../../../src/core/formats/vhd/footer';
import { SparseImage } from '../../../../fixtures/build/index';
import type { BuiltVhd, VhdSpec } from '../../../../fixtures/build/vhd';
import { buildVhd, mendChecksum } from '../../../../fixtures/build/vhd';
import { MemoryDisk, memorySource } from '../../../../support/memory';

const MIB = 2 ** 20;
const SPEC: VhdSpec = { size: 4 * MIB, blockSize: 512 * 1024, blocks: new Map([[1, { bytes: new Uint8Array(512) }]]) };

function open(image: SparseImage): Layer {
  const disk = new MemoryDisk().put('/disk', image);
  const [leaf] = openChain(disk.environment, disk.leaf('/disk'), { format: 'vpc' }).layers;
  assert(leaf);
  return leaf.layer;
}

const findings = (image: SparseImage): readonly string[] => open(image).findings.map(({ code }) => code);
const format = (image: SparseImage): string => {
  const found = sniff(probeInput(memorySource(image)), 'disk.img');
  return found.kind === 'image' ? found.format : found.kind;
};
const fact = ({ facts }: Layer, label: string): unknown => facts.find((each) => each.label === label)?.value;

/** Changes one field of the footers of an image, and their checksums with it. */
function poked({ image, footer }: BuiltVhd, change: (at: number) => void, which = [0, footer]): SparseImage {
  for (const at of which) {
    change(at);
    mendChecksum(image, at, 512);
  }
  return image;
}

function refusal(image: SparseImage): DiskError {
  try {
    open(image);
  } catch (error) {
    assert(error instanceof DiskError);
    return error;
  }
  throw new Error('it was opened');
}

describe('the footers of a VHD', () => {
  it('say the same: no finding', () => {
    assert.deepEqual(findings(buildVhd(SPEC).image), []);
  });

  it('say what was wrong with the one that was not used', () => {
    const told = (change: (built: BuiltVhd) => void): readonly string[] => {
      const built = buildVhd(SPEC);
      change(built);
      return open(built.image).findings.map(({ code, severity, message }) => `${code} ${severity}: ${message}`);
    };
    const used = 'the footer at the end of the file was used';
    assert.deepEqual(
      told(({ image }) => image.poke(0, new Uint8Array(512))),
      [`footer-copy warning: the file does not begin with a copy of its footer: ${used}`],
    );
    assert.deepEqual(
      told(({ image }) => image.poke(200, [1])),
      [`footer-copy warning: the checksum of the copy of the footer at byte 0 is wrong: ${used}`],
    );
    assert.deepEqual(
      told((built) => poked(built, () => built.image.poke(84, [1]), [0])),
      [`footer-copies-differ warning: the copy of the footer at byte 0 says something else: ${used}`],
    );
    assert.deepEqual(
      told(({ image, footer }) => image.poke(footer + 200, [1])),
      ['footer error: the checksum of the footer at the end of the file is wrong: its copy at byte 0 was used'],
    );
    assert.deepEqual(
      told(({ image, footer }) => image.truncate(footer)),
      ['footer error: the file does not end with a footer: its copy at byte 0 was used'],
    );
  });

  it('of which the last is of a fixed disk and the first is not contradict each other', () => {
    const built = buildVhd(SPEC);
    const image = poked(built, (at) => built.image.poke(at + 60, [0, 0, 0, 2]), [built.footer]);
    const { facts, findings: told } = open(image);
    assert.equal(facts.find(({ label }) => label === 'Disk type')?.value, 'fixed');
    assert(told.some(({ code, severity }) => code === 'footer-copies-differ' && severity === 'error'));
  });

  it('that are both broken are refused, with the place and what to do', () => {
    const { image, footer } = buildVhd(SPEC);
    image.poke(200, [1]).poke(footer + 200, [1]);
    const { code, message, offset, advice } = refusal(image);
    assert.deepEqual([code, offset], ['corrupt', footer]);
    assert.match(message, /checksum of both footers/);
    assert.match(advice ?? '', /Copy the image anew/);
  });

  it('of which one is broken and one is gone are refused', () => {
    const { image, footer } = buildVhd(SPEC);
    image.poke(200, [1]).truncate(footer);
    assert.match(refusal(image).message, /checksum of its only footer/);
  });

  it('of a fixed disk that was cut off leave no disk', () => {
    const { image } = buildVhd({ size: MIB, type: 'fixed' });
    image.truncate(MIB);
    assert.equal(refusal(image).code, 'not-this-format');
  });

  it('do not stand in for one another where the one left is of a fixed disk', () => {
    const built = buildVhd(SPEC);
    poked(built, (at) => built.image.pokeU32(at + 60, 2), [0]).truncate(built.footer);
    assert.match(refusal(built.image).message, /fixed disk, which has one at its end alone/);
  });

  it('count at the end, since what a fixed disk begins with is the guest’s to write', () => {
    const planted = buildVhd({
      ...SPEC,
      type: 'differencing',
      parent: { uuid: new Uint8Array(16), name: '/etc/shadow' },
    });
    const { image } = buildVhd({
      size: 8 * MIB,
      type: 'fixed',
      content: [{ offset: 0, bytes: planted.image.peek(0, 4096) }],
    });
    const layer = open(image);
    assert.deepEqual([layer.guestSize, layer.parent, fact(layer, 'Disk type')], [8 * MIB, undefined, 'fixed']);
  });

  it('stand in for one another where one can not be read', () => {
    const { image, footer } = buildVhd(SPEC);
    const disk = new MemoryDisk().put('/disk', { bytes: image, failsFrom: footer });
    const [leaf] = openChain(disk.environment, disk.leaf('/disk')).layers;
    assert.match(
      leaf?.layer.findings[0]?.message ?? '',
      /at the end of the file can't be read .*copy at byte 0 was used/,
    );
    const fixed = buildVhd({ size: MIB, type: 'fixed' });
    disk.put('/disk', { bytes: fixed.image, failsFrom: fixed.footer });
    assert.throws(() => openChain(disk.environment, disk.leaf('/disk'), { format: 'vpc' }), /reading failed/);
  });

  it('are not taken for broken where the reader is at fault', () => {
    const source = {
      ...memorySource(new Uint8Array(1024)),
      readInto: (): void => {
        throw new TypeError('a fault of the program');
      },
    };
    assert.throws(() => readFooter(source), TypeError);
  });

  it('may be without their last byte', () => {
    const { image, footer } = buildVhd({ ...SPEC, shortFooter: true });
    assert.equal(image.size, footer + 511);
    assert.deepEqual(findings(image), []);
  });

  it('of another version, or of a reserved type, are refused', () => {
    const version = buildVhd(SPEC);
    assert.match(refusal(poked(version, (at) => version.image.pokeU16(at + 12, 2))).message, /version 2\.0/);
    for (const type of [0, 1, 5, 6, 0xffffffff]) {
      const built = buildVhd(SPEC);
      const { code, message } = refusal(poked(built, (at) => built.image.pokeU32(at + 60, type)));
      assert.deepEqual([code, message.includes(`disk type ${type} `)], ['unsupported', true]);
    }
  });

  it('tell a saved state, a temporary disk, and who made it when', () => {
    const { image } = buildVhd({ ...SPEC, savedState: true, temporary: true, creator: 'vbox', timeStamp: 1 });
    const layer = open(image);
    assert.deepEqual(
      layer.findings.map(({ code, severity }) => `${code} ${severity}`),
      ['saved-state info'],
    );
    assert.equal(fact(layer, 'Temporary'), true);
    assert.equal(fact(layer, 'Creator'), 'VirtualBox (vbox) 10.0, host Wi2k');
    assert.equal(fact(layer, 'Time stamp'), '2000-01-01 00:00:01 UTC');
  });

  it('show no bytes that do not show', () => {
    const built = buildVhd({ ...SPEC, creator: '\x1b[2J' });
    assert.equal(fact(open(built.image), 'Creator'), '[2J 10.0, host Wi2k');
    assert.equal(fact(open(buildVhd({ ...SPEC, creator: '\0\0\0\0' }).image), 'Creator'), 'unknown 10.0, host Wi2k');
  });
});

describe('what is a VHD', () => {
  it('is told by a footer at the start, sound or not', () => {
    const { image } = buildVhd(SPEC);
    assert.equal(format(image), 'vpc');
    assert.equal(format(image.poke(200, [1])), 'vpc');
  });

  it('is told of a fixed disk by a sound footer at its end', () => {
    assert.equal(format(buildVhd({ size: MIB, type: 'fixed' }).image), 'vpc');
    assert.equal(format(buildVhd({ size: MIB, type: 'fixed', shortFooter: true }).image), 'vpc');
  });

  it('is no raw disk whose last sector only has the word', () => {
    const { image, footer } = buildVhd({ size: MIB, type: 'fixed' });
    assert.equal(format(image.poke(footer + 100, [1])), 'raw');
  });

  it('is told by the end of a disk whose copy is gone, where a header stands where it says', () => {
    const { image, header } = buildVhd(SPEC);
    image.poke(0, new Uint8Array(512));
    assert.equal(format(image), 'vpc');
    assert.equal(format(image.poke(header + 1000, [1])), 'raw');
  });

  it('is nothing that is shorter than a footer', () => {
    assert.equal(format(new SparseImage(100)), 'raw');
    assert.equal(refusal(new SparseImage(100)).code, 'not-this-format');
    assert.equal(refusal(new SparseImage(0)).code, 'not-this-format');
  });
});
