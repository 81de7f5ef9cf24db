import type { LayerStory } from '../snapshots/model';
import type { PlatformFiles, PlatformReader } from './files';
import { hyperv } from './hyperv';
import { libvirt } from './libvirt';
import { lima } from './lima';
import { multipass } from './multipass';
import { ovirt } from './ovirt/story';
import { parallels } from './parallels';
import { proxmox } from './proxmox';
import { virtualbox } from './virtualbox';
import { vmware } from './vmware';

/** Every platform whose names of snapshots are read: one line each. */
const READERS: readonly PlatformReader[] = [
  ovirt,
  libvirt,
  proxmox,
  multipass,
  lima,
  virtualbox,
  vmware,
  parallels,
  hyperv,
];

/**
 * Tells what the platform that made an image calls it. Lives for one look through the disk.
 * @returns a function of an image's path, absolute and with `/`
 */
export function storyTeller(files: PlatformFiles): (file: string) => LayerStory | undefined {
  const platforms = READERS.map((reader) => reader(files));
  return (file) => {
    const real = files.real(file) ?? file;
    for (const platform of platforms) {
      const story = platform.story(real);
      if (story) return story;
    }
    return undefined;
  };
}
