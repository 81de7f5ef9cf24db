import * as path from 'node:path';
import type { InternalRequest, QemuCommand, Standpoint } from '../../core';
import { DiskError, NOW, Session } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { codecsReady } from '../codecs';
import { createEnvironment } from '../environment';
import { openFile } from '../files';
import type { QemuImg } from '../qemuImg';
import type { Conduct } from './conduct';
import { conduct as run } from './conduct';
import { digestOf } from './digests';
import type { InternalPlan } from './internalPlan';
import { planOf } from './internalPlan';

/** The command, for consent. @throws DiskError `refused` with the reason */
export async function planInternal(request: InternalRequest, policy: GatePolicy): Promise<QemuCommand> {
  return (await planOf(request, policy)).command;
}

/**
 * Creates, applies or deletes an internal snapshot, and verifies what has to read as before.
 * @throws DiskError `refused` with the reason, `io` when qemu-img fails, `corrupt` when something reads otherwise after
 */
export async function internalSnapshot(
  request: InternalRequest,
  tool: QemuImg,
  policy: GatePolicy,
  conduct: Conduct = {},
): Promise<InternalRequest> {
  await codecsReady();
  const plan = await planOf(request, policy);
  const before = await digests(plan.image, policy, plan.before, conduct);
  conduct.signal?.throwIfAborted();
  // Reading may have taken long.
  const { command } = await planOf(request, policy);
  // What it does is short, and best not ended in the middle.
  const unstopped = { ...conduct, signal: undefined };
  await run(tool, command, unstopped);
  const after = await digests(plan.image, policy, afterOf(plan, request), unstopped);
  const odd = before.findIndex((digest, index) => digest !== after[index]);
  if (odd >= 0 || after.length !== before.length) {
    throw new DiskError(
      'corrupt',
      `after qemu-img snapshot, ${what(plan.before[odd])} does not read as it did`,
      { file: plan.image },
      'Look at it with vmdisk check before a VM uses it.',
    );
  }
  return request;
}

const what = (view: string | undefined): string =>
  view === undefined || view === '' ? 'the current state' : `internal snapshot ${view}`;

type Views = readonly string[] | ((session: Session) => readonly string[]);

/** The states that have to read as those of `plan.before` did, one for each. */
function afterOf({ before, known }: InternalPlan, { action }: InternalRequest): Views {
  if (action === 'delete') return before;
  if (action === 'apply') return before.map(() => NOW.view);
  // Of what was not there before, there is one.
  return ({ chain }) => {
    const views = chain.layers[0]?.layer.views ?? [];
    return views.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  };
}

async function digests(image: string, policy: GatePolicy, views: Views, conduct: Conduct): Promise<readonly string[]> {
  const session = new Session(createEnvironment(policy), openFile(image, policy), { format: 'qcow2' });
  try {
    const found: string[] = [];
    for (const view of typeof views === 'function' ? views(session) : views) {
      const at: Standpoint = { depth: 0, view };
      found.push(await digestOf(session, `reading ${what(view)} of ${path.basename(image)}`, conduct, at));
    }
    return found;
  } finally {
    session.close();
  }
}
