import type { LayerStory } from '../core';
import { storyTeller } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { HostFiles, posix } from './hostFiles';

type Tell = (file: string) => LayerStory | undefined;

const teller = (policy: GatePolicy): Tell => storyTeller(new HostFiles(policy));

/** What the platforms that made them call these images, by path. */
export function platformStories(
  paths: Iterable<string>,
  policy: GatePolicy,
  tell: Tell = teller(policy),
): ReadonlyMap<string, LayerStory> {
  const stories = new Map<string, LayerStory>();
  for (const file of paths) {
    const story = tell(posix(file));
    if (story) stories.set(file, story);
  }
  return stories;
}

/** Less than the tree waits after a change before it looks again: it never sees what was read before the change. */
const KEPT_MS = 1000;

/**
 * Stories for the batches of one look through a workspace, which come right after each other: what a storage domain of
 * hundreds of VMs says of them all is not read anew for each batch.
 */
export class RecentStories {
  private kept: { readonly key: string; readonly tell: Tell; readonly until: number } | undefined;

  /** @param now milliseconds, of any clock */
  constructor(private readonly now: () => number = Date.now) {}

  of(paths: Iterable<string>, policy: GatePolicy): ReadonlyMap<string, LayerStory> {
    const key = JSON.stringify(policy);
    const now = this.now();
    if (this.kept?.key !== key || now >= this.kept.until)
      this.kept = { key, tell: teller(policy), until: now + KEPT_MS };
    return platformStories(paths, policy, this.kept.tell);
  }
}
