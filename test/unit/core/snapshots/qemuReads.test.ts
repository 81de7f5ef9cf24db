import assert from 'node:assert/strict';
import type { ChainLayer, Fact, Layer } from '../../../../src/core';
import { misread } from '../../../../src/core';

type Told = Partial<Pick<Layer, 'parent' | 'grain' | 'files' | 'findings'>>;

/** An image as its driver tells of it. */
function image(format: string, facts: Readonly<Record<string, Fact['value']>> = {}, told: Told = {}): ChainLayer {
  const layer = {
    format,
    grain: 1 << 20,
    findings: [],
    facts: Object.entries(facts).map(([label, value]) => ({ label, value })),
    ...told,
  };
  return { identity: { id: '1', path: `/disk.${format}` }, layer } as unknown as ChainLayer;
}

const why = (...args: Parameters<typeof image>): string | undefined => misread(image(...args))?.why;
const PARENT = { role: 'parent', written: 'p', target: { kind: 'path', path: 'p', relativeTo: 'image' } } as const;
const finding = (code: string): Told => ({ findings: [{ code, severity: 'warning', message: code }] });

describe('what QEMU reads as we do', () => {
  it('are images of its own, whatever they stand on', () => {
    for (const format of ['raw', 'qcow2', 'qcow', 'qed']) assert.equal(why(format, {}, { parent: PARENT }), undefined);
  });

  it('are single images of others', () => {
    assert.equal(why('vdi', { Version: '1.1', Type: 'dynamic' }), undefined);
    assert.equal(why('vpc', { 'Disk type': 'fixed' }), undefined);
    assert.equal(why('vhdx', { Type: 'dynamic' }), undefined);
    assert.equal(why('vmdk', {}, { parent: PARENT }), undefined);
    assert.equal(why('parallels'), undefined);
  });

  it('are no differencing images but VMware’s', () => {
    for (const [format, fact] of [
      ['vdi', 'Type'],
      ['vpc', 'Disk type'],
      ['vhdx', 'Type'],
    ] as const) {
      assert.match(why(format, { Version: '1.1' }, { parent: PARENT }) ?? '', /differencing/);
      assert.match(why(format, { Version: '1.1', [fact]: 'differencing' }) ?? '', /differencing/);
    }
  });

  it('is no VDI of an odd shape', () => {
    assert.match(why('vdi', { Version: '1.1' }, { grain: 1 << 16 }) ?? '', /1 MiB/);
    assert.match(why('vdi', { Version: '0.1' }) ?? '', /version 1\.1/);
    assert.match(why('vdi', { Version: '1.1', 'Extra bytes of each block': 512 }) ?? '', /extra bytes/);
  });

  it('is no VHDX whose log is to be replayed', () => {
    assert.match(why('vhdx', { 'Entries of the log to replay': 3 }) ?? '', /replayed/);
  });

  it('is no VMDK that is a device, a part, or of another kind', () => {
    for (const code of ['device-disk', 'create-type', 'bare-extent']) {
      assert.notEqual(why('vmdk', {}, finding(code)), undefined, code);
    }
  });

  it('is nothing of which a driver has found what QEMU refuses', () => {
    for (const [format, codes] of Object.entries({
      vdi: ['parent-ignored', 'unaligned', 'sector-size'],
      vpc: ['footer-copy', 'footer-copies-differ'],
      vhdx: ['region-table-copy'],
      vmdk: [
        'extent-missing',
        'extent-refused',
        'extent-device',
        'extent-unusable',
        'extent-type',
        'redundant-directory',
      ],
      parallels: ['extension-past-end', 'extension-magic', 'extension-checksum', 'extension-feature', 'bitmap'],
    })) {
      for (const code of codes) assert.notEqual(why(format, { Version: '1.1' }, finding(code)), undefined, code);
      assert.equal(why(format, { Version: '1.1' }, finding('constructor')), undefined);
    }
  });

  it('is no VHD of blocks without a byte of bitmap, and no QED of tables of one cluster', () => {
    assert.match(why('vpc', { 'Disk type': 'dynamic' }, { grain: 512 }) ?? '', /4 KiB/);
    assert.equal(why('vpc', { 'Disk type': 'fixed' }, { grain: 512 }), undefined);
    assert.match(why('qed', { 'Table size': 65536, 'Cluster size': 65536 }) ?? '', /one cluster/);
    assert.equal(why('qed', { 'Table size': 131072, 'Cluster size': 65536 }), undefined);
  });

  it('is nothing of a bundle of Parallels', () => {
    assert.match(why('parallels', {}, { parent: PARENT }) ?? '', /bundle/);
    assert.match(why('parallels', {}, { files: [] }) ?? '', /bundle/);
    assert.match(why('parallels', {}, finding('bundle-layer')) ?? '', /bundle/);
  });

  it('is nothing encrypted by itself, and nothing in an archive', () => {
    assert.match(why('luks', { Version: 1 }) ?? '', /encrypted/);
    assert.match(why('luks', { Version: 2 }) ?? '', /cipher text/);
    const { layer, identity } = image('vmdk');
    const archive = { path: '/x.ova', offset: 512, member: 'd', disks: ['d'], facts: [] };
    assert.match(misread({ layer, identity: { ...identity, archive } })?.why ?? '', /archive/);
  });
});
