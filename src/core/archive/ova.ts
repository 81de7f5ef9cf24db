import { readUpTo } from '../bytes';
import { DiskError } from '../errors';
import { windowOf } from '../extents';
import type { ByteSource, Fact, OpenedSource } from '../model';
import { probeInput } from '../formats/probeInput';
import { utf8 } from '../strangersText';
import { sniff } from '../sniff';
import type { Appliance } from './ovf';
import { parseAppliance } from './ovf';
import type { TarMember } from './tar';
import { isTar, tarMembers } from './tar';

/** Larger descriptors are not read: one of a VM with a hundred disks has some 100 KiB. */
const MAX_OVF = 4 << 20;
/** Members that are looked into for a disk. */
const MAX_PROBED = 1000;
/** What an appliance has beside its disks (DSP0243, 5.1). */
const NO_DISK = /\.(?:ovf|mf|cert|xml|nvram|txt)$/i;

/** An archive with disks in it: an appliance (OVA, DSP0243), or any other tar of disks. */
export interface DiskArchive {
  readonly disks: readonly TarMember[];
  readonly appliance: Appliance | undefined;
}

/** Looks for disks in an archive. @returns undefined for what is none, or has none @throws DiskError `io` */
export function diskArchive(source: ByteSource): DiskArchive | undefined {
  if (!isTar(readUpTo(source, 0, 512))) return undefined;
  const disks: TarMember[] = [];
  let appliance: Appliance | undefined;
  let probed = 0;
  for (const member of tarMembers((at, length) => readUpTo(source, at, length), source.size)) {
    const { name, start, size } = member;
    if (/\.ovf$/i.test(name)) {
      if (size <= MAX_OVF) appliance ??= parseAppliance(utf8(readUpTo(source, start, size)));
      continue;
    }
    if (NO_DISK.test(name) || probed === MAX_PROBED) continue;
    probed += 1;
    const what = sniff(probeInput(memberSource(source, member)), nameOf(member));
    if (what.kind === 'image' || what.kind === 'foreign-image') disks.push(member);
  }
  return disks.length === 0 ? undefined : { disks, appliance };
}

/**
 * One disk of an archive as a file of its own, read in place.
 * @param name which; the first one when left out
 * @returns undefined where the file is no archive with disks
 * @throws DiskError `not-found` for a name that is no disk of it
 */
export function openMember({ identity, source }: OpenedSource, name?: string): OpenedSource | undefined {
  const archive = diskArchive(source);
  if (!archive) return undefined;
  const { disks } = archive;
  const member = name === undefined ? disks[0] : disks.find((disk) => disk.name === name);
  if (!member) {
    throw new DiskError(
      'not-found',
      `there is no disk "${name ?? ''}" in this archive`,
      { file: identity.path },
      `It has ${disks.map((disk) => disk.name).join(', ')}.`,
    );
  }
  const { path, id } = identity;
  return {
    identity: {
      id: `${id} ${member.start}`,
      path: name === undefined ? path : `${path}:${name}`,
      archive: {
        path,
        offset: member.start,
        member: member.name,
        disks: disks.map((disk) => disk.name),
        facts: factsOf(archive, member, source.size),
      },
    },
    source: memberSource(source, member),
  };
}

/** The host's offsets are the archive's, which its identity tells: within, the disk is a file of its own. */
const memberSource = (source: ByteSource, { start, size }: TarMember): ByteSource => ({
  ...windowOf(source, start, Math.max(0, Math.min(size, source.size - start))),
  origin: undefined,
});

function factsOf({ appliance, disks }: DiskArchive, member: TarMember, archiveSize: number): Fact[] {
  const disk = appliance?.disks.get(nameOf(member).toLowerCase()) ?? appliance?.disks.get(member.name.toLowerCase());
  const others = disks.filter((each) => each !== member).map(nameOf);
  return [
    { label: 'In the archive', value: member.name },
    ...(appliance?.name === undefined ? [] : [{ label: 'Virtual machine', value: appliance.name }]),
    ...(disk?.id === undefined ? [] : [{ label: 'Disk of the VM', value: disk.id }]),
    ...(disk?.capacity === undefined
      ? []
      : [{ label: 'Size in the OVF', value: disk.capacity, unit: 'bytes' as const }]),
    ...(others.length === 0 ? [] : [{ label: 'Other disks', value: others.slice(0, 16).join(', ') }]),
    ...(member.start + member.size > archiveSize ? [{ label: 'Archive cut short', value: true }] : []),
  ];
}

const nameOf = ({ name }: TarMember): string => name.split('/').at(-1) ?? name;
