/** Whose VMs use disks of a format: none of these programs opens a qcow2. By the driver's name. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['vmdk', 'VMware'],
  ['vdi', 'VirtualBox'],
  ['vpc', 'Hyper-V'],
  ['vhdx', 'Hyper-V'],
  ['parallels', 'Parallels'],
]);

/**
 * What to do once an overlay stands on an image.
 * @param format the base's
 * @returns without a stop at its end: `Let the VM use web01.before-upgrade`
 */
export function useOverlay(overlay: string, format: string): string {
  const program = PROGRAMS.get(format);
  if (program === undefined) return `Let the VM use ${overlay}`;
  return `Let a VM of QEMU (${program} opens no qcow2) use ${overlay}`;
}
