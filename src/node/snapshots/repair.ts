import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Chain, CheckReport, FileRange, QemuCommand, Repaired, RepairMode } from '../../core';
import { closeChain, digestDisk, DiskError, isRepaired, keptRanges, oneLine, openChain } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecsReady } from '../codecs';
import { createEnvironment } from '../environment';
import { openFile } from '../files';
import { sha256 } from '../hasher';
import type { QemuImg } from '../qemuImg';
import { runQemuImg } from '../qemuImg';
import { realOf } from '../relocate/trial';
import type { KeptCopy } from '../repair/keptCopy';
import { forgetCopy, freeCopyName, isUntouched, keepCopy, noteAfter, putBack } from '../repair/keptCopy';
import type { Conduct } from './conduct';
import { conduct as run, runJob } from './conduct';
import { freeSpace, mayChange, noRoom } from './guard';
import { refuseForFirst } from './refuse';

export interface RepairRequest {
  readonly image: string;
  readonly mode: RepairMode;
}

/** The command that mends, for consent. @throws DiskError `refused` with the reason */
export async function planRepair(request: RepairRequest, policy: GatePolicy): Promise<QemuCommand> {
  return (await makePlan(request, policy, {})).command;
}

/**
 * Mends an image, all of it that may change kept in a file beside it first. What `leaks` mends must read as before.
 * @throws DiskError `refused` with the reason, before anything is done; else it says where the copy is
 */
export async function repair(
  request: RepairRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<Repaired> {
  const { image, command, report, ranges, opening, stamp } = await makePlan(request, policy, conduct);
  const copy = freeCopyName(image);
  const content = request.mode === 'leaks' ? await contentOf(image, policy, conduct) : undefined;
  const kept = await runJob(keepCopy(image, copy, ranges), `keeps what may change in ${copy}`, conduct);
  try {
    // Reading all that may have taken long, and what is kept has to be what the repair finds.
    refuseForFirst(await mayChange(image, false));
    if (stampOf(image) !== stamp) throw new DiskError('refused', 'it was written to meanwhile', { file: image });
    conduct.signal?.throwIfAborted();
  } catch (error) {
    forgetCopy(copy);
    throw error;
  }
  try {
    await run(tool, command, conduct, REPAIRED);
    await runJob(noteAfter(image, copy, kept), 'notes what was changed', conduct);
    const after = await checked(image, policy, conduct);
    await agree(tool, opening, after, conduct);
    if (content !== undefined && (await contentOf(image, policy, conduct)) !== content) {
      throw new DiskError('corrupt', 'the image does not read as before, though leaks alone were to be mended');
    }
    const done = { image, mode: request.mode, before: sums(report), after: sums(after) };
    if (!(await runJob(isUntouched(image, kept), 'looks at what was changed', conduct))) return { ...done, kept: copy };
    forgetCopy(copy);
    return done;
  } catch (error) {
    throw await worded(error, image, copy, kept);
  }
}

/**
 * Puts back what was kept before a repair: the image is then what it was, byte for byte, and the copy goes. Were it to
 * stay, it could be put back again over what was written in between.
 * @throws DiskError `refused` with the reason, `io`
 */
export async function undoRepair(image: string, copy: string, conduct: Conduct = {}): Promise<void> {
  const file = realOf(image);
  refuseForFirst(await mayChange(file));
  await runJob(putBack(file, path.resolve(copy)), `puts back what is kept in ${copy}`, conduct);
  forgetCopy(path.resolve(copy));
}

/** Exit codes of `qemu-img check -r`: nothing is wrong any more, or something still is. */
const REPAIRED = [0, 2, 3] as const;

interface RepairPlan {
  readonly image: string;
  readonly command: QemuCommand;
  /** How qemu-img is to open it. */
  readonly opening: readonly string[];
  readonly report: CheckReport;
  readonly ranges: readonly FileRange[];
  /** Of the image when it was looked at. */
  readonly stamp: string;
}

/** Another one once a file was written to, or replaced. */
function stampOf(file: string): string {
  const { dev, ino, size, mtimeNs } = fs.statSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs].join(':');
}

async function makePlan({ image, mode }: RepairRequest, policy: GatePolicy, conduct: Conduct): Promise<RepairPlan> {
  await codecsReady();
  const file = realOf(image);
  const opening = openingOf(file, policy);
  refuseForFirst(await mayChange(file));
  const stamp = stampOf(file);
  const report = await checked(file, policy, conduct);
  const ranges = keptRanges(report.file, fileSize(file, policy));
  const needed = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const free = freeSpace(path.dirname(file));
  if (free !== undefined && free < needed) refuseForFirst([noRoom(path.dirname(file), needed, free)]);
  const args = ['check', '-r', mode, ...opening];
  const what =
    mode === 'leaks'
      ? `gives back the clusters of ${file} that nothing uses`
      : `mends what is wrong with the tables of ${file}, as far as that can be`;
  return { image: file, command: { args, what }, opening, report, ranges, stamp };
}

/** @throws DiskError where it can't be repaired at all */
function openingOf(file: string, policy: GatePolicy): readonly string[] {
  const chain = openOne(file, policy);
  try {
    const [top] = chain.layers;
    const at = { file };
    if (!top?.layer.check) {
      throw new DiskError('refused', `a ${top?.layer.format ?? 'raw'} image has no tables to repair`, at);
    }
    if (!isRepaired(top.layer.format)) {
      const why = `images of the format ${top.layer.format} are not repaired here`;
      throw new DiskError('refused', why, at, 'Copy what can be read: vmdisk convert.');
    }
    if (top.layer.info.encrypted === true) {
      const why = 'the image is encrypted: qemu-img opens it only with its passphrase, which is not asked for here';
      throw new DiskError('refused', why, at, 'Run qemu-img check -r with --object secret yourself.');
    }
    const data = top.layer.findings.find(({ code }) => code === 'data-file');
    if (data) throw new DiskError('refused', data.message, at, 'Put its data file back first.');
    if (chain.end.kind === 'base') return ['-f', 'qcow2', file];
    // A parent that is missing, or may not be opened, must not keep the image from being mended.
    const options = { driver: 'qcow2', file: { driver: 'file', filename: file }, backing: null };
    return [`json:${JSON.stringify(options)}`];
  } finally {
    closeChain(chain);
  }
}

/** @throws DiskError */
function openOne(file: string, policy: GatePolicy): Chain {
  return openChain(createEnvironment(policy), openFile(file, policy));
}

function fileSize(file: string, policy: GatePolicy): number {
  const { source } = openFile(file, policy);
  source.close();
  return source.size;
}

async function checked(file: string, policy: GatePolicy, conduct: Conduct): Promise<CheckReport> {
  const chain = openOne(file, policy);
  try {
    const job = chain.layers[0]?.layer.check?.();
    if (!job) throw new DiskError('unsupported', 'there is nothing to check', { file });
    return await runJob(job, `checks ${file}`, conduct);
  } finally {
    closeChain(chain);
  }
}

const sums = ({ counts }: CheckReport): Repaired['before'] => ({
  corruptions: counts.corruptions + counts.further,
  leaks: counts.leaks,
});

/** Our check and qemu-img's must count the same. */
async function agree(tool: QemuImg, opening: readonly string[], report: CheckReport, conduct: Conduct): Promise<void> {
  const args = ['check', '--output=json', ...opening];
  const { stdout } = await runQemuImg(tool, args, { signal: conduct.signal, fine: [0, 2, 3] });
  const told = JSON.parse(stdout) as { readonly corruptions?: number; readonly leaks?: number };
  const { corruptions, leaks } = report.counts;
  const [theirs, lost] = [told.corruptions ?? 0, told.leaks ?? 0];
  if (theirs === corruptions && lost === leaks) return;
  throw new DiskError(
    'corrupt',
    `qemu-img counts ${theirs} corruptions and ${lost} leaks in it, and we ${corruptions} and ${leaks}`,
  );
}

/**
 * What the image itself holds in each of its states, without what it stands on.
 * @returns undefined where some of that can't be read
 */
async function contentOf(file: string, policy: GatePolicy, conduct: Conduct): Promise<string | undefined> {
  const chain = openOne(file, policy);
  try {
    const [top] = chain.layers;
    if (!top) return undefined;
    const alone: Chain = { layers: [top], end: { kind: 'base' } };
    const digests: string[] = [];
    for (const view of top.layer.views) {
      const job = digestDisk({ chain: alone, from: { depth: 0, view } }, sha256());
      digests.push(await runJob(job, `reads what ${file} holds`, conduct));
    }
    return digests.join();
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  } finally {
    closeChain(chain);
  }
}

/** What failed, and where the copy is; there is none any more where nothing was changed. */
async function worded(error: unknown, image: string, copy: string, kept: KeptCopy): Promise<unknown> {
  if (await runJob(isUntouched(image, kept), 'looks at what was changed', {})) {
    forgetCopy(copy);
    if (!(error instanceof DiskError)) return error;
    const { code, file, offset, advice } = error;
    const unchanged = `${error.message}. Nothing was changed in ${image}`;
    return new DiskError(code, unchanged, { file, offset }, advice, { cause: error });
  }
  const why = error instanceof DiskError ? oneLine(error) : error instanceof Error ? error.message : String(error);
  const advice = `What it was is kept: vmdisk repair --undo ${copy} ${image}.`;
  return new DiskError('corrupt', `the repair did not end well: ${why}`, { file: image }, advice, { cause: error });
}
