import assert from 'node:assert/strict';
import { buildFamilies, nodePath, walk } from '../../../src/extension/tree/families';
import type { FamilyNode } from '../../../src/extension/tree/families';
import { nodeLabel } from '../../../src/extension/tree/present';
import type { SurveyedImage, UnusableImage } from '../../../src/protocol/image';
import { image, orphan, overlay, snapshotNamed } from './images';

const build = (images: readonly SurveyedImage[], unusable: readonly UnusableImage[] = []) =>
  buildFamilies({ images, unusable });

/** Labels, indented; a mark for what is no plain image. */
function draw(nodes: readonly FamilyNode[], indent = ''): string[] {
  return nodes.flatMap((node) => [
    `${indent}${node.kind === 'image' ? '' : `${node.kind} `}${nodeLabel(node)}`,
    ...draw(node.children, `${indent}  `),
  ]);
}

describe('families of the tree', () => {
  it('puts the base at the root and every overlay on what it stands on', () => {
    const families = build([
      overlay('/d/leaf-b.qcow2', '/d/mid.qcow2'),
      image('/d/base.img', { format: 'raw' }),
      overlay('/d/mid.qcow2', '/d/base.img'),
      overlay('/d/leaf-a.qcow2', '/d/mid.qcow2'),
    ]);
    assert.deepEqual(draw(families), ['base.img', '  mid.qcow2', '    leaf-a.qcow2', '    leaf-b.qcow2']);
  });

  it('says which images nothing stands on', () => {
    const families = build([image('/d/a'), overlay('/d/b', '/d/a'), overlay('/d/c', '/d/a'), image('/d/alone')]);
    const leaves = [...walk(families)].filter((node) => node.kind === 'image' && node.leaf).map(nodePath);
    assert.deepEqual(leaves.sort(), ['/d/alone', '/d/b', '/d/c']);
  });

  it('leaves out what is only a part of a disk: its extents', () => {
    const families = build([
      image('/d/disk.vmdk', { format: 'vmdk', companions: ['/d/disk-s001.vmdk', '/d/disk-s002.vmdk'] }),
      image('/d/disk-s001.vmdk', { format: 'vmdk' }),
      image('/d/disk-s002.vmdk', { format: 'vmdk' }),
      overlay('/d/odd.qcow2', '/d/disk-s002.vmdk'),
      image('/d/top.qcow2', { companions: ['/d/data.raw'] }),
      image('/d/data.raw', { format: 'raw' }),
    ]);
    assert.deepEqual(draw(families), ['data.raw', 'disk-s002.vmdk', '  odd.qcow2', 'disk.vmdk', 'top.qcow2']);
  });

  it('sorts by name, numbers as numbers', () => {
    const families = build(['/d/vm10', '/d/vm9', '/e/vm1'].map((path) => image(path)));
    assert.deepEqual(draw(families), ['vm1', 'vm9', 'vm10']);
  });

  it('makes one root of a missing parent, with all that name it', () => {
    const families = build([orphan('/d/o2', '/x/gold'), orphan('/d/o1', '/x/gold'), orphan('/d/x', '/x/other')]);
    assert.deepEqual(draw(families), ['broken gold', '  o1', '  o2', 'broken other', '  x']);
    assert.equal(families[0]?.kind === 'broken' && families[0].end.kind, 'missing');
  });

  it('keeps apart a name that is missing from one that was refused', () => {
    const families = build([orphan('/d/a', '/x/p'), orphan('/d/b', '/x/p', { kind: 'refused', reason: 'outside' })]);
    assert.equal(families.length, 2);
  });

  it('names a missing parent of another system by its last part, and has no path for what is no file', () => {
    const families = build([orphan('/d/a', 'D:\\vms\\gold.qcow2'), orphan('/d/b', 'nbd://host/export')]);
    assert.deepEqual(families.map(nodeLabel), ['gold.qcow2', 'nbd://host/export']);
    assert.equal(families[1] && nodePath(families[1]), undefined);
  });

  it('lists a file of two names once, with the other name', () => {
    const families = build([
      image('/store/vol', { id: '1:7' }),
      image('/links/vol', { id: '1:7' }),
      image('/d/top', { parent: { kind: 'found', id: '1:7', path: '/store/vol' } }),
    ]);
    assert.deepEqual(draw(families), ['vol', '  top']);
    const [root] = families;
    assert.equal(root?.kind === 'image' && root.image.path, '/links/vol');
    assert.deepEqual(root?.kind === 'image' && root.alsoAt, ['/store/vol']);
  });

  it('prefers the name from which the parent is found', () => {
    const families = build([
      { ...orphan('/a/top', '/a/base'), id: 'x' },
      overlay('/b/top', '/b/base', { id: 'x' }),
      image('/b/base'),
    ]);
    assert.deepEqual(draw(families), ['base', '  top']);
  });

  it('cuts a ring so that every image stands in the tree once', () => {
    const ring = [overlay('/d/a', '/d/c'), overlay('/d/b', '/d/a'), overlay('/d/c', '/d/b'), overlay('/d/d', '/d/b')];
    const nodes = [...walk(build(ring))];
    assert.deepEqual(nodes.map(nodePath).sort(), ['/d/a', '/d/b', '/d/c', '/d/d']);
    assert.equal(nodes.filter((node) => node.kind === 'image' && node.loops).length, 1);
  });

  it('shows an image that stands on itself under its own broken parent', () => {
    const families = build([orphan('/d/self', '/d/self', { kind: 'cycle' })]);
    assert.deepEqual(draw(families), ['broken self', '  self']);
  });

  it('puts snapshots and bitmaps inside their image, before its overlays', () => {
    const snapshot = snapshotNamed('clean');
    const views = [
      { id: '', name: 'Current', guestSize: 1 },
      { id: '1', name: 'clean', guestSize: 1, snapshot },
    ];
    const families = build([
      image('/d/a', { views, bitmaps: [{ name: 'dirty', granularity: 65_536, flags: [] }] }),
      overlay('/d/b', '/d/a'),
    ]);
    assert.deepEqual(draw(families), ['a', '  snapshot clean', '  bitmap dirty', '  b']);
  });

  it('gives every node a key of its own, even where an image lists one snapshot twice', () => {
    const snapshot = snapshotNamed('twice');
    const view = { id: '1', name: 'twice', guestSize: 1, snapshot };
    const bitmap = { name: 'same', granularity: 512, flags: [] };
    const nodes = [...walk(build([image('/d/a', { views: [view, view], bitmaps: [bitmap, bitmap] })]))];
    assert.equal(nodes.length, 5);
    assert.equal(new Set(nodes.map(({ key }) => key)).size, 5);
  });

  it('stands in for a parent that lies where nobody looked', () => {
    const families = build([overlay('/d/top', '/elsewhere/base.img')]);
    assert.deepEqual(draw(families), ['unlisted base.img', '  top']);
    assert.deepEqual(families.map(nodePath), ['/elsewhere/base.img']);
  });

  it('puts an overlay under the damaged image that it names', () => {
    const error = { code: 'corrupt' as const, message: 'the L1 table is past the end of the file' };
    const families = build(
      [orphan('/d/top', '/d/bad.qcow2', { kind: 'refused', reason: 'unreadable' })],
      [{ path: '/d/bad.qcow2', format: 'qcow2', error }],
    );
    assert.deepEqual(draw(families), ['unusable bad.qcow2', '  top']);
  });

  it('tells each node its parent', () => {
    for (const root of build([image('/d/a'), overlay('/d/b', '/d/a'), orphan('/d/c', '/gone')])) {
      assert.equal(root.parent, undefined);
      for (const child of root.children) assert.equal(child.parent, root);
    }
  });
});
