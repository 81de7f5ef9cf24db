import { DiskError, oneLine } from '../core';
import type { MaintenanceCalls, MaintenanceEvents } from '../protocol/maintenance';
import type { Handlers } from '../protocol/rpc';
import type { GatePolicy } from '../protocol/worker';
import { codecsReady } from './codecs';
import { diagnose } from './doctor';
import { findQemuImg } from './qemuImg';
import type { QemuImg } from './qemuImg';
import type { Conduct } from './snapshots/conduct';
import { assertBase, createSnapshot, suggestOverlay } from './snapshots/create';
import { deleteLayer, planDelete } from './snapshots/delete';
import { mayLieIn } from './snapshots/guard';
import { internalSnapshot, planInternal } from './snapshots/internal';
import { endPreview, planPreviewEnd, previewsIn, startPreview } from './snapshots/preview';
import { findCandidates, planRelocate, relocateParent } from './snapshots/relocate';
import { planRepair, repair } from './snapshots/repair';

/** So long somebody waits for candidates; the likeliest places come first. */
const SEARCH_MS = 20_000;

/** Where nobody trusts the folder no program is run, whoever asks. @throws DiskError */
async function toolFor({ platformTools }: GatePolicy, qemuImg: string): Promise<QemuImg> {
  if (platformTools) return findQemuImg(qemuImg);
  throw new DiskError('refused', 'no program is run in a workspace that is not trusted', {}, 'Trust the workspace.');
}

type Listeners = { readonly [N in keyof MaintenanceEvents]: (data: MaintenanceEvents[N]) => void };

/** What a worker does for the extension about snapshots: one job at a time, told how far it is, ended on demand. */
export class MaintenanceServer {
  readonly handlers: Handlers<MaintenanceCalls> = {
    qemuImg: async ({ qemuImg }) => {
      try {
        return await findQemuImg(qemuImg);
      } catch (error) {
        return { why: oneLine(error) };
      }
    },
    mayLieIn: ({ file }) => mayLieIn(file),
    assertBase: async ({ base, policy }) => {
      await codecsReady();
      await assertBase(base, policy);
      return null;
    },
    suggestOverlay: ({ base, name }) => suggestOverlay(base, name),
    createSnapshot: ({ request, policy }) => this.alone(() => createSnapshot(request, policy)),
    planDelete: ({ policy, ...request }) => this.job((conduct) => planDelete(request, policy, conduct)),
    deleteLayer: ({ policy, qemuImg, ...request }) =>
      this.job(async (conduct) => deleteLayer(request, await toolFor(policy, qemuImg), policy, conduct)),
    startPreview: ({ policy, ...request }) => this.alone(() => startPreview(request, policy)),
    previewsIn: ({ folders }) => folders.flatMap(previewsIn),
    planPreviewEnd: ({ policy, ...request }) => planPreviewEnd(request, policy),
    endPreview: ({ policy, ...request }) => this.alone(() => endPreview(request, policy, { progress: this.progress })),
    findCandidates: ({ image, folders, policy }) =>
      this.job((conduct) => findCandidates(image, folders, policy, { ...conduct, until: Date.now() + SEARCH_MS })),
    planRelocate: ({ request, policy }) => planRelocate(request, policy),
    relocateParent: ({ request, policy, qemuImg }) =>
      this.job(async (conduct) => relocateParent(request, await toolFor(policy, qemuImg), policy, conduct)),
    planRepair: ({ policy, ...request }) => planRepair(request, policy),
    repair: ({ policy, qemuImg, ...request }) =>
      this.job(async (conduct) => repair(request, await toolFor(policy, qemuImg), policy, conduct)),
    planInternal: ({ request, policy }) => planInternal(request, policy),
    internalSnapshot: ({ request, policy, qemuImg }) =>
      this.job(async (conduct) => internalSnapshot(request, await toolFor(policy, qemuImg), policy, conduct)),
    diagnose: ({ paths, folders, policy }) => this.job((conduct) => diagnose(paths, policy, conduct, { folders })),
    stopMaintenance: () => {
      this.current?.abort();
      return null;
    },
  };

  private current: AbortController | undefined;
  private readonly progress = (what: string, share: number | undefined): void => {
    this.tell.maintaining({ what, share: share ?? null });
  };

  constructor(private readonly tell: Listeners) {}

  /** @returns null when it was ended by `stopMaintenance` */
  private job<T>(work: (conduct: Conduct) => Promise<T>): Promise<T | null> {
    return this.alone(async (signal) => {
      try {
        return await work({
          signal,
          progress: this.progress,
          running: (command) => {
            this.tell.running({ command });
          },
          ran: (command, end) => {
            this.tell.ran({ command, end });
          },
        });
      } catch (error) {
        if (signal.aborted && error === signal.reason) return null;
        throw error;
      }
    });
  }

  /** While nothing else is done. */
  private async alone<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.current) throw new DiskError('refused', 'something else is being done to images: wait for it to end');
    const controller = new AbortController();
    this.current = controller;
    try {
      await codecsReady();
      return await work(controller.signal);
    } finally {
      this.current = undefined;
    }
  }
}
