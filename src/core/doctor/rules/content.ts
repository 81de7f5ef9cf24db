import type { ImageRule } from '../rule';
import { listedNames } from '../rule';

/** The file that holds the image's data is not there. */
export const dataFile: ImageRule = ({ path, findings }) => {
  const finding = findings.find(({ code }) => code === 'data-file');
  if (!finding) return [];
  return [
    {
      code: 'data-file',
      severity: 'error',
      path,
      message: finding.message,
      meaning:
        "The image keeps the guest's data in another file, and without that file there is no data: a VM can't start from it.",
      certainty: 'certain',
      remedies: [{ title: 'Put the data file back where the image names it', remedy: { kind: 'none' } }],
    },
  ];
};

/** What is on the disk can't be looked at. */
export const encrypted: ImageRule = ({ path, encryption }) => {
  if (encryption === undefined) return [];
  const old = encryption.startsWith('AES');
  return [
    {
      code: old ? 'encrypted-aes' : 'encrypted',
      severity: 'info',
      path,
      message: `the content is encrypted: ${encryption}`,
      meaning: old
        ? 'This way of encrypting is weak, and QEMU no longer runs VMs from it: convert the image. Content is not looked at.'
        : 'Its content is not looked at. Without its key all data is lost, also that of overlays on it.',
      certainty: 'certain',
      remedies: [],
    },
  ];
};

/** Records of what changed, for backups, that were not closed. */
export const openBitmaps: ImageRule = ({ path, bitmaps, use }, { remedies }) => {
  const open = bitmaps.filter(({ flags }) => flags.includes('in-use')).map(({ name }) => name);
  if (open.length === 0 || use.state === 'written') return [];
  const many = open.length > 1;
  return [
    {
      code: 'bitmap-in-use',
      severity: 'warning',
      path,
      message: `the bitmap${many ? 's' : ''} ${listedNames(open)} ${many ? 'were' : 'was'} not saved when the image was last closed`,
      meaning:
        "The guest's data is not affected. QEMU does not trust such a bitmap any more: the next backup that builds on it " +
        'has to be a full one.',
      certainty: 'certain',
      remedies: open
        .slice(0, 4)
        .map((name) => remedies.command(`Remove the bitmap "${name}"`, ['qemu-img', 'bitmap', '--remove', path, name])),
    },
  ];
};
