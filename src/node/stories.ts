import type { LayerStory } from '../core';
import { storyTeller } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { HostFiles, posix } from './hostFiles';

/** What the platforms that made them call these images, by path. */
export function platformStories(paths: Iterable<string>, policy: GatePolicy): ReadonlyMap<string, LayerStory> {
  const tell = storyTeller(new HostFiles(policy));
  const stories = new Map<string, LayerStory>();
  for (const file of paths) {
    const story = tell(posix(file));
    if (story) stories.set(file, story);
  }
  return stories;
}
