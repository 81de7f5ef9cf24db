/** The base name of a path of whatever system. */
export const baseName = (path: string): string => /[^\\/]*$/.exec(path)?.[0] ?? path;

/**
 * How VMware and QEMU name the files of a disk after its descriptor's: `disk-flat.vmdk`, `disk-s001.vmdk` …
 * @returns the descriptor's base name; undefined for any other name
 */
export function descriptorNameOf(path: string): string | undefined {
  const [, disk, extension] = /^(.+)-(?:flat|delta|sesparse|rdmp?|[sf]\d{3,})(\.vmdk)$/i.exec(baseName(path)) ?? [];
  return disk === undefined || extension === undefined ? undefined : disk + extension;
}
