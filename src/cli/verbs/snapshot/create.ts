import type { Created, CreateRequest } from '../../../core';
import { CLUSTER_SIZES, formatBytes, parseOffset } from '../../../core';
import { TRUST_ALL } from '../../../node/gate';
import { createSnapshot } from '../../../node/snapshots/create';
import { findingJson, findingLines } from '../../findings';
import { Output } from '../../output';
import { plain } from '../../text';
import type { Invocation, Verb } from '../../verb';
import { EXIT, UsageError } from '../../verb';

const DETAILS = `
Makes OVERLAY, a new image that holds nothing yet: all of its disk is read from BASE, and what is written from now
on is written to OVERLAY. So BASE keeps the disk as it is at this moment. It is only read, and from then on nothing
may write to it: let the VM use OVERLAY. That is one of QEMU, whatever BASE is: no other program opens a qcow2.

OVERLAY is a qcow2 image with BASE's size and format recorded. It is there once it is complete, or not at all.
QEMU need not be installed. BASE is named by its path from OVERLAY's folder, so that both can be moved together.
`;

const COMPATS = ['1.1', '0.10'] as const;

export const snapshotCreate: Verb = {
  name: 'snapshot create',
  operands: ['BASE', 'OVERLAY'],
  summary: 'a snapshot of BASE: OVERLAY, a new image that takes what is written from now on',
  details: DETAILS,
  options: {
    'cluster-size': { value: 'SIZE', help: 'bytes of a cluster, 512 to 2M; as BASE has it, or 64K, when left out' },
    'extended-l2': { help: 'allocate in 32nds of a cluster: 16K at least, version 1.1' },
    compat: { value: '1.1|0.10', help: 'the version of the format; 1.1 when left out' },
    absolute: { help: 'write the whole path of BASE' },
  },
  run: async (invocation) => {
    const created = await createSnapshot(requestOf(invocation), TRUST_ALL);
    const output = new Output();
    if (invocation.json) output.json(createdJson(created));
    else
      createdLines(created).forEach((line) => {
        output.line(line);
      });
    output.flush();
    return EXIT.fine;
  },
};

/** @throws UsageError */
function requestOf(invocation: Invocation): CreateRequest {
  const [base = '', overlay = ''] = invocation.operands;
  return {
    base,
    baseFormat: invocation.value('format'),
    overlay,
    clusterSize: clusterSizeOf(invocation.value('cluster-size')),
    extendedL2: invocation.flag('extended-l2'),
    compat: compatOf(invocation.value('compat')),
    absolute: invocation.flag('absolute'),
  };
}

function clusterSizeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const size = parseOffset(text);
  if (size === undefined || !CLUSTER_SIZES.includes(size)) {
    throw new UsageError(`--cluster-size is a power of two from 512 to 2M, not "${text}"`);
  }
  return size;
}

function compatOf(text: string | undefined): CreateRequest['compat'] {
  if (text === undefined) return undefined;
  const found = COMPATS.find((compat) => compat === text);
  if (!found) throw new UsageError(`--compat is ${COMPATS.join(' or ')}, not "${text}"`);
  return found;
}

export function createdJson({ shape, findings, ...created }: Created): Record<string, unknown> {
  const { overlay, base, backing, backingFormat, guestSize, fileSize } = created;
  return {
    filename: overlay,
    base,
    backing,
    backingFormat,
    guestSize,
    fileSize,
    ...shape,
    findings: findings.map(findingJson),
  };
}

export function createdLines({ overlay, backing, backingFormat, guestSize, fileSize, findings }: Created): string[] {
  return [
    `${plain(overlay)}: a disk of ${formatBytes(guestSize)} on ${plain(backing)} (${backingFormat}), in a file of ${formatBytes(fileSize)}`,
    ...findings.flatMap((finding) => findingLines(finding)),
  ];
}
