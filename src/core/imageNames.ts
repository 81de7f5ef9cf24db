/**
 * Endings of file names that other kinds of files have, too: `.vhd` is VHDL source, `.img` and `.raw` are whatever was
 * called so. Our editor offers itself for them and is not the default; the tree looks into them.
 */
export const SHARED_ENDINGS: readonly string[] = ['.img', '.raw', '.vhd'];

/** Endings of archives of disks. */
export const ARCHIVE_ENDINGS: readonly string[] = ['.ova'];

/** Whole names of files that say what a disk is made of, and whose ending says nothing. */
export const DESCRIPTOR_NAMES: readonly string[] = ['DiskDescriptor.xml'];

/** Endings that only disk images have. */
const OWN_ENDINGS: readonly string[] = [
  '.qcow2',
  '.qcow',
  '.qed',
  '.vmdk',
  '.vdi',
  '.vhdx',
  '.avhd',
  '.avhdx',
  '.hdd',
  '.hds',
];

/** What is at the end of a file's name that tells its format, and nothing of which layer of a disk it is. */
const FORMAT_ENDINGS: ReadonlySet<string> = new Set([
  ...OWN_ENDINGS,
  ...ARCHIVE_ENDINGS,
  ...SHARED_ENDINGS,
  '.bin',
  '.dd',
  '.dsk',
  '.iso',
]);

/** The ending of a name, where that tells a format; otherwise nothing: `web01.before-upgrade` is a snapshot's name. */
export function formatEnding(fileName: string): string {
  const dot = fileName.lastIndexOf('.');
  const ending = dot > 0 ? fileName.slice(dot) : '';
  return FORMAT_ENDINGS.has(ending.toLowerCase()) ? ending : '';
}

/** Whether a file's name says that it is of another format than qcow2. `.img` and `.raw` say nothing: qcow2s have them, too. */
export function namesOtherFormat(fileName: string): boolean {
  const ending = formatEnding(fileName).toLowerCase();
  return [...OWN_ENDINGS, ...ARCHIVE_ENDINGS, '.vhd'].includes(ending) && !ending.startsWith('.qcow');
}

/** Whether a file's name is one that disk images share with other kinds of files. */
export function isSharedName(fileName: string): boolean {
  return SHARED_ENDINGS.some((ending) => fileName.toLowerCase().endsWith(ending));
}
