/**
 * Where a system that keeps its records in fixed places keeps them, as seen from an image: on this machine, and within
 * a copy of a whole machine's disk (`/mnt/rescue/var/lib/libvirt/images/…`), whose own paths begin below it.
 * @param file absolute, with `/`
 * @param homes where the system keeps images, `/var/lib/libvirt/`
 * @returns the roots to look below, the image's own first; `''` is this machine
 */
export function rootsOf(file: string, homes: readonly string[]): readonly string[] {
  const roots = homes.flatMap((home) => {
    const at = file.lastIndexOf(home);
    return at > 0 ? [file.slice(0, at)] : [];
  });
  return [...roots, ''];
}
