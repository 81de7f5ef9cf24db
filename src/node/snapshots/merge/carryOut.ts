import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Deleted, Session } from '../../../core';
import { differing, DiskError, listed, NOW } from '../../../core';
import type { GatePolicy } from '../../../protocol/worker';
import { childrenOf, findFamily } from '../../family';
import { syncFolder } from '../../newFile';
import type { QemuImg } from '../../qemuImg';
import { commandText } from '../../qemuImg';
import type { Conduct } from '../conduct';
import { conduct as runCommand, runJob } from '../conduct';
import { mayChange, unseen } from '../guard';
import { digestOf } from '../digests';
import { removeNote, writeNote } from '../notes';
import { refuseFor } from '../refuse';
import type { Drawn } from './drawUp';
import { idOf, openAlone, standsOn, takes } from './gather';

/**
 * Carries out a plan. The order is what keeps every image reading as before wherever it is cut off: first data is
 * copied, then another parent is named, then all is read again, and only then the file goes.
 */
export async function carryOut(drawn: Drawn, tool: QemuImg, policy: GatePolicy, conduct: Conduct): Promise<Deleted> {
  const { plan } = drawn;
  const { direction } = plan;
  if (direction === undefined) {
    const [first] = plan.refusals;
    const why = plan.refusals.map(({ message }) => message).join('; ');
    throw new DiskError('refused', `this layer is not deleted: ${why}`, { file: plan.image }, first?.advice);
  }
  return new Run(drawn, direction, tool, policy, conduct).run();
}

class Run {
  private readonly files: readonly string[];

  constructor(
    private readonly drawn: Drawn,
    private readonly direction: NonNullable<Deleted['direction']>,
    private readonly tool: QemuImg,
    private readonly policy: GatePolicy,
    private readonly conduct: Conduct,
  ) {
    const { plan, children } = drawn;
    this.files = [...new Set([plan.image, ...(plan.parent === undefined ? [] : [plan.parent]), ...children])];
  }

  async run(): Promise<Deleted> {
    const { plan, verified, heir, noted } = this.drawn;
    const before = this.taken();
    const digests = new Map<string, string>();
    for (const file of verified) digests.set(file, await this.digest(file));
    // Where nothing stands on it, its parent is to read as it does.
    if (heir !== undefined) digests.set(heir, await this.digest(plan.image, heir));
    // Reading all that may have taken hours.
    await this.assertAsPlanned();
    if (!noted) this.note();
    for (const step of plan.steps) {
      if (step.kind === 'qemu-img') await this.command(step.command);
      else if (step.kind === 'remove') await this.remove(step.path);
      else if (step.check === 'copied') await this.assertCopied();
      else await this.verify(digests);
    }
    this.assertParents();
    removeNote(plan.image, 'delete');
    return {
      image: plan.image,
      direction: this.direction,
      freed: before - this.taken(),
      verified: [...digests.keys()],
      ...(heir !== undefined && { heir }),
    };
  }

  private open(file: string): Session {
    return openAlone(file, this.policy, this.drawn.formats.get(file));
  }

  /** What spoke for it when it was planned still does: nobody uses what is changed, and nothing else came to stand there. */
  private async assertAsPlanned(): Promise<void> {
    const { plan, back } = this.drawn;
    const { image, parent } = plan;
    const writes = plan.steps.some(({ kind }) => kind === 'qemu-img');
    const into = writes && this.direction === 'commit' && parent !== undefined ? [parent] : [];
    for (const file of [image, ...into, ...back.keys()]) await this.assertFree(file);
    this.assertStanding(image, new Set([...back.keys()].map(idOf)));
    for (const file of into) this.assertStanding(file, this.drawn.onParent);
  }

  /** @throws DiskError `refused` where the name means another file than when it was planned, or somebody uses it */
  private async assertFree(file: string): Promise<void> {
    if (idOf(file) !== this.drawn.ids.get(file)) {
      throw new DiskError('refused', 'another file has this name than when it was planned', { file }, 'Plan it anew.');
    }
    refuseFor(await mayChange(file, false));
  }

  /** @throws DiskError `refused` where anything but the images of `known` stands on an image */
  private assertStanding(image: string, known: ReadonlySet<string>): void {
    const family = findFamily(image, this.policy, this.drawn.folders);
    refuseFor(unseen(family));
    const others = childrenOf(family, idOf(image)).filter(({ id }) => !known.has(id));
    if (others.length === 0) return;
    const names = listed(others.map(({ path: file }) => file));
    throw new DiskError('refused', `${names} came to stand on it meanwhile: nothing was removed`, { file: image });
  }

  private async command(command: Parameters<typeof runCommand>[1]): Promise<void> {
    const target = command.args.at(-1) ?? '';
    if (this.drawn.back.has(target)) await this.assertFree(target);
    try {
      await runCommand(this.tool, command, this.conduct);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      throw new DiskError(
        error.code,
        `${error.message}. Nothing was removed, and every image reads as it did`,
        { file: this.drawn.plan.image },
        'Run the same again once the cause is gone: it goes on from where it was.',
        { cause: error },
      );
    }
  }

  /** Of all states of an image: its internal snapshots read through what it stands on as well. */
  private async digest(file: string, heir?: string): Promise<string> {
    const session = this.open(file);
    try {
      const what = `reading ${path.basename(heir ?? file)}`;
      // An heir's own internal snapshots are not the layer's.
      const views = heir !== undefined || file === this.drawn.heir ? [NOW.view] : viewsOf(session);
      const digests: string[] = [];
      for (const view of views) digests.push(await digestOf(session, what, this.conduct, { depth: 0, view }));
      return digests.join();
    } finally {
      session.close();
    }
  }

  private async verify(digests: ReadonlyMap<string, string>): Promise<void> {
    const wrong: string[] = [];
    for (const [file, digest] of digests) {
      if ((await this.digest(file)) !== digest) wrong.push(file);
    }
    if (wrong.length > 0) {
      throw new DiskError(
        'corrupt',
        `${listed(wrong)} would not read as before: nothing was removed`,
        { file: this.drawn.plan.image },
        `The layer still holds what it held. These let all read as before, through it: ${this.wayBack()}`,
      );
    }
    this.assertParents();
  }

  /** Commands for a person: going back is not done unasked, where something went wrong that was not foreseen. */
  private wayBack(): string {
    return [...this.drawn.back.values()].map(({ args }) => commandText(args, this.tool)).join('; ');
  }

  /** Before another parent is named anywhere: the copy is seen to be one by reading both. */
  private async assertCopied(): Promise<void> {
    const { image, parent } = this.drawn.plan;
    if (parent === undefined) return;
    const layer = this.open(image);
    const below = this.open(parent);
    try {
      const { ranges } = await runJob(differing(layer, below), `comparing with ${path.basename(parent)}`, this.conduct);
      const { guestSize } = layer.view;
      if (ranges.count > 0 && (ranges.start[0] ?? 0) < guestSize) {
        throw new DiskError(
          'corrupt',
          `${parent} does not read as this layer does (from guest byte ${ranges.start[0] ?? 0} on): nothing else was done`,
          { file: image },
          'Every image reads as it did, through the layer: leave it where it is, and report this.',
        );
      }
    } finally {
      layer.close();
      below.close();
    }
  }

  /** What stood on the layer names its parent as its own now. */
  private assertParents(): void {
    const { plan, children } = this.drawn;
    for (const file of children) standsOn(file, plan.parent, this.policy);
  }

  private async remove(file: string): Promise<void> {
    this.conduct.signal?.throwIfAborted();
    await this.assertFree(file);
    // An image may have been made on it meanwhile.
    this.assertStanding(file, new Set());
    try {
      fs.unlinkSync(file);
      syncFolder(path.dirname(file));
    } catch (cause) {
      throw new DiskError('io', 'nothing stands on it any more, but it could not be removed', { file }, undefined, {
        cause,
      });
    }
  }

  private note(): void {
    const { plan, children } = this.drawn;
    removeNote(plan.image, 'delete');
    writeNote(plan.image, {
      kind: 'delete',
      image: plan.image,
      parent: plan.parent ?? null,
      direction: this.direction,
      children,
      began: Date.now(),
    });
  }

  private taken(): number {
    return this.files.reduce((sum, file) => sum + (fs.existsSync(file) ? takes(file) : 0), 0);
  }
}

const viewsOf = ({ chain: { layers } }: Session): readonly string[] =>
  layers[0]?.layer.views.map(({ id }) => id) ?? [NOW.view];
