import type { LayerStory } from '../snapshots/model';
import type { Platform, PlatformFiles } from './files';
import { folderOf, join, nameOf } from './paths';
import { labelText } from '../strangersText';

/**
 * Lima's instances, `~/.lima/<instance>/`: a `disk`, or a `diffdisk` over a `basedisk`. Snapshots are internal, and
 * their tags are the names that people gave.
 */
const ROLES: ReadonlyMap<string, Pick<LayerStory, 'label' | 'role'>> = new Map([
  ['disk', { label: 'current', role: 'current' }],
  ['diffdisk', { label: 'current', role: 'current' }],
  ['basedisk', { label: 'base', role: 'base' }],
]);

export function lima(files: PlatformFiles): Platform {
  return {
    name: 'Lima',
    story: (file) => {
      const role = ROLES.get(nameOf(file));
      const folder = folderOf(file);
      if (!role || files.stat(join(folder, 'lima.yaml'))?.kind !== 'file') return undefined;
      return { platform: 'Lima', vm: labelText(nameOf(folder)), ...role };
    },
  };
}
