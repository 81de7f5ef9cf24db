import assert from 'node:assert/strict';
import type { MergeImage, Situation } from '../../../../src/core';
import { objections, onlyFileLeft } from '../../../../src/core';

const MIB = 2 ** 20;

function image(path: string, changes: Partial<MergeImage> = {}): MergeImage {
  return {
    path,
    format: 'qcow2',
    guestSize: MIB,
    misread: undefined,
    readable: true,
    externalData: false,
    corrupt: false,
    old: false,
    snapshots: [],
    bitmaps: [],
    openBitmap: false,
    backing: 'below.qcow2',
    backingFormat: 'qcow2',
    oddBacking: false,
    ...changes,
  };
}

const base = image('/base', { backing: undefined, backingFormat: undefined });

function situation(changes: Partial<Situation> = {}): Situation {
  return {
    layer: image('/layer'),
    below: [base],
    end: { kind: 'base' },
    children: [image('/child')],
    siblings: [],
    staleTail: false,
    begun: undefined,
    locked: new Map(),
    ...changes,
  };
}

const codes = (changes: Partial<Situation>): { commit: string[]; pull: string[] } => {
  const { commit, pull } = objections(situation(changes));
  return { commit: commit.map(({ code }) => code), pull: pull.map(({ code }) => code) };
};

describe('what speaks against deleting a layer', () => {
  it('nothing, in the middle of a plain chain', () => {
    assert.deepEqual(codes({}), { commit: [], pull: [] });
  });

  it('another format: of the layer and of what stands on it both ways, of its parent downwards', () => {
    const other = { commit: ['other-format'], pull: ['other-format'] };
    assert.deepEqual(codes({ layer: image('/layer', { format: 'vmdk' }) }), other);
    assert.deepEqual(codes({ children: [image('/child'), image('/other', { format: 'vhdx' })] }), other);
    const parent = image('/base', { format: 'vdi', backing: undefined });
    assert.deepEqual(codes({ below: [parent] }), { commit: ['other-format'], pull: [] });
  });

  it('another format, and then nothing else: no other advice would help', () => {
    const layer = image('/layer', { format: 'vmdk', externalData: true, backingFormat: undefined, corrupt: true });
    assert.deepEqual(codes({ layer, end: { kind: 'missing', message: '' } as never }), {
      commit: ['other-format'],
      pull: ['other-format'],
    });
  });

  it('an image that qemu-img would read wrongly, both ways', () => {
    const parent = image('/base', { misread: 'it takes no notice of its parent', backing: undefined });
    assert.deepEqual(codes({ below: [parent] }), { commit: ['misread'], pull: ['misread'] });
  });

  it('a sibling, downwards', () => {
    assert.deepEqual(codes({ siblings: [image('/sibling')] }), { commit: ['siblings'], pull: [] });
  });

  it('internal snapshots of what stands on it, upwards: only its current state would take the data', () => {
    assert.deepEqual(codes({ children: [image('/child', { snapshots: ['old'] })] }), {
      commit: [],
      pull: ['child-snapshots'],
    });
  });

  it('no parent, downwards; nothing above, upwards; both, altogether', () => {
    assert.deepEqual(codes({ layer: base, below: [] }), { commit: ['no-parent'], pull: [] });
    assert.deepEqual(codes({ children: [] }), { commit: [], pull: ['no-children'] });
    assert.deepEqual(codes({ layer: base, below: [], children: [] }), {
      commit: ['only-copy', 'no-parent'],
      pull: ['only-copy', 'no-children'],
    });
  });

  it('a chain that is broken below', () => {
    const end = { kind: 'missing', written: 'gone', name: '/gone', message: 'the parent /gone is not there' } as const;
    assert.deepEqual(codes({ below: [], end }), { commit: ['broken-below'], pull: ['broken-below'] });
  });

  it('what would be lost or can not be read', () => {
    assert.deepEqual(codes({ layer: image('/layer', { snapshots: ['kept'] }) }).pull, ['internal-snapshots']);
    assert.deepEqual(codes({ layer: image('/layer', { externalData: true }) }).pull, ['data-file']);
    assert.deepEqual(codes({ children: [image('/child', { readable: false })] }).commit, ['encrypted']);
    assert.deepEqual(codes({ below: [image('/base', { corrupt: true })] }).pull, ['corrupt']);
  });

  it('a parent that is larger, where that would show', () => {
    const larger = { ...base, guestSize: 2 * MIB };
    assert.deepEqual(codes({ below: [larger] }).commit, []);
    assert.deepEqual(codes({ below: [larger], children: [image('/child', { guestSize: 2 * MIB })] }).commit, [
      'parent-larger',
    ]);
    assert.deepEqual(codes({ below: [larger], children: [] }).commit, ['parent-larger']);
  });

  it('a parent that can not grow, or would show old bytes if it did', () => {
    const smaller = { ...base, guestSize: MIB / 2 };
    assert.deepEqual(codes({ below: [smaller] }).commit, []);
    assert.deepEqual(codes({ below: [{ ...smaller, openBitmap: true }] }).commit, ['cannot-grow']);
    assert.deepEqual(codes({ below: [{ ...smaller, old: true, snapshots: ['kept'] }] }).commit, ['cannot-grow']);
    const old = image('/parent', { guestSize: MIB / 2, old: true });
    assert.deepEqual(codes({ below: [old, base] }).commit, ['cannot-grow']);
    assert.deepEqual(codes({ below: [smaller], staleTail: true }).commit, ['stale-tail']);
  });

  it('a format that is not recorded, where qemu-img would go by it', () => {
    assert.deepEqual(codes({ children: [image('/child', { backingFormat: undefined })] }), {
      commit: [],
      pull: ['format-not-recorded'],
    });
    assert.deepEqual(codes({ layer: image('/layer', { backingFormat: undefined }) }), {
      commit: ['format-not-recorded'],
      pull: ['format-not-recorded'],
    });
    assert.deepEqual(codes({ layer: image('/layer', { oddBacking: true }) }).pull, ['odd-parent-name']);
  });

  it('an image that may not be changed, of those that would be', () => {
    const inUse = { code: 'in-use', severity: 'error', message: 'in use' } as const;
    assert.deepEqual(codes({ locked: new Map([['/base', [inUse]]]) }), { commit: ['in-use'], pull: [] });
    assert.deepEqual(codes({ locked: new Map([['/child', [inUse]]]) }), { commit: ['in-use'], pull: ['in-use'] });
    assert.deepEqual(codes({ locked: new Map([['/layer', [inUse]]]) }).pull, ['in-use']);
  });

  it('nothing but locks, where all that stood on it has its other parent already', () => {
    const begun = { direction: 'commit', moved: ['/child'] } as const;
    const left = { children: [], begun, siblings: [image('/other')] };
    assert(onlyFileLeft(situation(left)));
    assert.deepEqual(codes(left), { commit: [], pull: ['no-children'] });
    const pulled = { ...left, begun: { direction: 'pull', moved: ['/child'] } as const };
    assert.deepEqual(codes(pulled), { commit: ['siblings'], pull: [] }, 'the other way would write to the parent');
    assert.deepEqual(codes({ layer: base, below: [], ...pulled, siblings: [] }).pull, []);
  });

  it('nothing above, whatever a note says that names nothing which took its data', () => {
    const begun = { direction: 'pull', moved: [] } as const;
    assert.deepEqual(codes({ children: [], begun }).pull, ['no-children']);
    assert.deepEqual(codes({ layer: base, below: [], children: [], begun }).pull, ['only-copy', 'no-children']);
  });
});
