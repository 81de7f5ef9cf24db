import { createHash } from 'node:crypto';
import type { Session } from '../../core';
import { changedBesideParent, compare, DiskError, oneLine, Session as OpenedSession } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecsReady } from '../codecs';
import { createEnvironment } from '../environment';
import { openFile } from '../files';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from '../snapshots/conduct';
import { conduct as run, runJob } from '../snapshots/conduct';
import type { RelocatePlan } from '../snapshots/relocate';
import { forgetHeader, headerPath, keepHeader, leftoverOf, readCluster } from './keptHeader';

/**
 * Has qemu-img write the parent's name, the old header kept meanwhile, and verifies what it did.
 * @throws DiskError; `AbortError`. Where the header may have changed by then, the kept one and its note stay
 */
export async function writeAnew(
  plan: RelocatePlan,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct,
): Promise<void> {
  const { mended, header, name, command } = plan;
  await codecsReady();
  settleEarlier(mended.path);
  const tables = tablesDigest(plan);
  keepHeader(mended.path, header, name, mended.written);
  try {
    await run(tool, command, conduct);
    verifyHeader(plan, tables);
    await verifyReading(plan, policy, conduct);
  } catch (error) {
    if (leftoverOf(mended.path).kind === 'untouched') {
      forgetHeader(mended.path);
      throw error;
    }
    throw notVerified(mended.path, error);
  }
  forgetHeader(mended.path);
}

/** An earlier relocation that was killed either did nothing or came to its end; else a person has to look. */
function settleEarlier(image: string): void {
  const left = leftoverOf(image);
  if (left.kind === 'none') return;
  if (left.kind !== 'unclear') {
    forgetHeader(image);
    return;
  }
  throw new DiskError(
    'refused',
    `an earlier relocation did not come to its end, and ${left.why}`,
    { file: image },
    `Put the kept header back first: vmdisk snapshot relocate --restore ${image}.`,
  );
}

function notVerified(image: string, error: unknown): DiskError {
  return new DiskError(
    'corrupt',
    `the parent's name was written, and then ${oneLine(error)}`,
    { file: image },
    `The old header is in ${headerPath(image)}; vmdisk snapshot relocate --restore puts it back.`,
    { cause: error },
  );
}

/** As large as QEMU takes an L1 table; one of reference counts was refused above 8 MiB. */
const MAX_L1_BYTES = 32 << 20;
const PIECE = 1 << 20;

/** What of the image must not change with its header: where its tables are, and what the first ones say. */
function tablesDigest({ mended, header: { header } }: RelocatePlan): string {
  const { source } = openFile(mended.path, { platformTools: false });
  try {
    const hash = createHash('sha256');
    const clusterSize = 2 ** header.clusterBits;
    const add = (offset: number, length: number): void => {
      const end = Math.min(source.size, offset + length);
      for (let at = offset; at < end; at += PIECE) {
        const piece = new Uint8Array(Math.min(PIECE, end - at));
        source.readInto(piece, at);
        hash.update(piece);
      }
    };
    add(header.l1Offset, Math.min(MAX_L1_BYTES, header.l1Entries * 8));
    // Storing bitmaps anew takes clusters, and gives others back.
    if (!header.bitmaps) {
      add(header.refcountTableOffset, header.refcountTableClusters * clusterSize);
      hash.update(String(source.size));
    }
    return hash.digest('hex');
  } finally {
    source.close();
  }
}

function verifyHeader(plan: RelocatePlan, tables: string): void {
  const { mended, header, name, format } = plan;
  const at = { file: mended.path };
  const now = readCluster(mended.path);
  const changed = changedBesideParent(header.bytes, now.bytes);
  if (changed.length > 0) throw new DiskError('corrupt', `more of its header changed: ${changed.join(', ')}`, at);
  if (now.header.backingName !== name || now.header.backingFormat !== format) {
    throw new DiskError('corrupt', 'its header does not name the parent that was to be written', at);
  }
  if (tablesDigest(plan) !== tables) throw new DiskError('corrupt', 'more of the image changed than its header', at);
}

/** The chain opens, is made of the same files as the one that was tried, and reads the same. */
async function verifyReading(plan: RelocatePlan, policy: GatePolicy, conduct: Conduct): Promise<void> {
  const { mended, parent, trial } = plan;
  const at = { file: mended.path };
  const allowed = { ...policy, allowed: [...policy.allowed, parent] };
  const after = new OpenedSession(createEnvironment(allowed), openFile(mended.path, policy), { format: 'qcow2' });
  try {
    if (filesOf(after) !== filesOf(trial)) {
      throw new DiskError('corrupt', 'its chain is not the one that was to be', at);
    }
    const { ranges, unknownBytes } = await runJob(compare(after, trial), 'verifies the chain', conduct);
    if (ranges > 0 || unknownBytes > 0) throw new DiskError('corrupt', 'it does not read as it should', at);
  } finally {
    after.close();
  }
}

const filesOf = ({ chain }: Session): string =>
  JSON.stringify([chain.end.kind, chain.layers.map(({ identity, layer }) => [identity.id, layer.format])]);
