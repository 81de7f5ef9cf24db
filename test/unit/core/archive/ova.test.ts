import assert from 'node:assert/strict';
import { DiskError, diskArchive, finish, openMember, Session } from '../../../../src/core';
import { buildQcow2, data, noise } from '../../../fixtures/build/index';
import type { TarFile } from '../../../fixtures/build/tar';
import { buildTar } from '../../../fixtures/build/tar';
import { MemoryDisk } from '../../../support/memory';

const CLUSTER = 65536;
const OVF = `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>
    <File ovf:id="file1" ovf:href="Disk1.qcow2"/>
    <File ovf:id="file2" ovf:href="second.qcow2"/>
  </References>
  <DiskSection>
    <Info>disks</Info>
    <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^20"/>
    <Disk ovf:diskId="vmdisk2" ovf:fileRef="file2" ovf:capacity="1048576"/>
    <Disk ovf:diskId="vmdisk3" ovf:fileRef="nowhere" ovf:capacity="7"/>
  </DiskSection>
  <VirtualSystem ovf:id="id-of-it"><Name>web server</Name></VirtualSystem>
</Envelope>`;

function qcow2(seed: number): Uint8Array {
  const { image } = buildQcow2({ size: 16 * CLUSTER, clusters: new Map([[seed, data(noise(seed, CLUSTER))]]) });
  return image.peek(0, image.size);
}

const text = (name: string, content: string): TarFile => ({ name, bytes: Buffer.from(content) });
const FIRST = { name: 'disk1.qcow2', bytes: qcow2(1) };
const SECOND = { name: 'sub/second.qcow2', bytes: qcow2(2) };

const archive = (...files: readonly TarFile[]): MemoryDisk => new MemoryDisk().put('/x.ova', buildTar(files));
const APPLIANCE = archive(text('x.ovf', OVF), text('x.mf', 'SHA256(x.ovf)= 0'), FIRST, SECOND);

function open(disk: MemoryDisk, name?: string): Session {
  const member = openMember(disk.leaf('/x.ova'), name);
  assert(member);
  return new Session(disk.environment, member);
}

describe('an appliance', () => {
  it('is opened to its first disk, in place: offsets are those of the archive', () => {
    const session = open(APPLIANCE);
    const [{ identity, layer } = assert.fail()] = session.chain.layers;
    assert.deepEqual([identity.path, layer.format, layer.guestSize], ['/x.ova', 'qcow2', 16 * CLUSTER]);
    const bytes = new Uint8Array(CLUSTER);
    const picture = finish(session.scan());
    assert.deepEqual(session.read(picture, CLUSTER, bytes), []);
    assert.deepEqual(bytes, noise(1, CLUSTER));
    const [step] = session.trace(CLUSTER + 5).steps;
    assert.equal(step?.holder, '/x.ova');
    const there = new Uint8Array(16);
    APPLIANCE.leaf('/x.ova').source.readInto(there, step.hostOffset ?? NaN);
    assert.deepEqual(there, noise(1, CLUSTER).subarray(5, 21));
    const entry = new Uint8Array(8);
    APPLIANCE.leaf('/x.ova').source.readInto(entry, step.lookups.at(-1)?.entryOffset ?? NaN);
    assert.equal(`0x${Buffer.from(entry).toString('hex')}`, step.lookups.at(-1)?.entry);
  });

  it('is opened to another one by its name, which is another image', () => {
    const [first, second] = [open(APPLIANCE), open(APPLIANCE, 'sub/second.qcow2')].map(({ chain }) => chain.layers[0]);
    assert.equal(second?.identity.path, '/x.ova:sub/second.qcow2');
    assert.notEqual(first?.identity.id, second.identity.id);
  });

  it('says what its descriptor says of the disk', () => {
    const facts = (name?: string): unknown =>
      open(APPLIANCE, name).chain.layers[0]?.identity.archive?.facts.map(({ label, value }) => [label, value]);
    assert.deepEqual(facts(), [
      ['In the archive', 'disk1.qcow2'],
      ['Virtual machine', 'web server'],
      ['Disk of the VM', 'vmdisk1'],
      ['Size in the OVF', 16 << 20],
      ['Other disks', 'second.qcow2'],
    ]);
    assert.deepEqual(facts('sub/second.qcow2'), [
      ['In the archive', 'sub/second.qcow2'],
      ['Virtual machine', 'web server'],
      ['Disk of the VM', 'vmdisk2'],
      ['Size in the OVF', 1 << 20],
      ['Other disks', 'disk1.qcow2'],
    ]);
  });

  it('has no disk of another name', () => {
    assert.throws(
      () => open(APPLIANCE, 'x.ovf'),
      (error) =>
        error instanceof DiskError && error.code === 'not-found' && (error.advice ?? '').includes('disk1.qcow2, sub'),
    );
  });

  it('needs no descriptor, and none that makes sense', () => {
    assert.equal(diskArchive(archive(FIRST).leaf('/x.ova').source)?.appliance, undefined);
    for (const ovf of ['', '<a/>', '<Envelope>', '<Envelope/>', OVF.replaceAll('capacity="', 'capacity="x')]) {
      const found = open(archive(text('x.ovf', ovf), FIRST)).chain.layers[0]?.identity.archive?.facts;
      assert.equal(found?.[0]?.value, 'disk1.qcow2');
      assert.equal(
        found.some(({ label }) => label === 'Size in the OVF'),
        false,
      );
    }
  });

  it('that was cut short is opened as far as it goes, and says so', () => {
    const whole = buildTar([FIRST]);
    const disk = new MemoryDisk().put('/x.ova', whole.subarray(0, 512 + 3 * CLUSTER));
    const [{ identity, source } = assert.fail()] = open(disk).chain.layers;
    assert.equal(source.size, 3 * CLUSTER);
    assert.equal(identity.archive?.facts.find(({ label }) => label === 'Archive cut short')?.value, true);
  });

  it('without a disk in it is none', () => {
    assert.equal(
      openMember(archive(text('a.txt', 'hello'), text('b', 'text'), text('c.ovf', OVF)).leaf('/x.ova')),
      undefined,
    );
    assert.equal(openMember(new MemoryDisk().put('/x.ova', FIRST.bytes).leaf('/x.ova')), undefined);
    assert.equal(openMember(new MemoryDisk().put('/x.ova', new Uint8Array()).leaf('/x.ova')), undefined);
  });
});
