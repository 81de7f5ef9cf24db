import type { ImageRule } from '../rule';

/** The image was not closed cleanly. */
export const dirtyBit: ImageRule = ({ findings, path, use }, { remedies }) => {
  const finding = findings.find(({ code }) => code === 'dirty');
  if (!finding) return [];
  const running = use.state === 'written';
  return [
    {
      code: 'dirty',
      severity: running ? 'info' : 'warning',
      path,
      message: running
        ? 'the image is marked as open for writing: its reference counts are brought up to date when it is closed'
        : 'the image was not closed cleanly: its reference counts may be stale',
      meaning: running
        ? 'A running VM with lazy reference counts leaves the mark while it runs.'
        : 'What the guest wrote and flushed is there. QEMU mends the counts the next time it opens the image for writing, ' +
          'and until then nothing else should change it.',
      certainty: 'certain',
      remedies: running ? [] : [remedies.check(path), remedies.repair(path, 'all')],
      offset: finding.offset,
    },
  ];
};

/** QEMU came across damage in the image, and has marked it. */
export const corruptBit: ImageRule = ({ findings, path }, { remedies }) => {
  const finding = findings.find(({ code }) => code === 'marked-corrupt');
  if (!finding) return [];
  return [
    {
      code: 'marked-corrupt',
      severity: 'error',
      path,
      message: 'QEMU has marked the image as corrupt, and does not write to it any more',
      meaning:
        "A VM that runs from it gets errors when it writes. Damage was found in the image's own tables, where two things " +
        "claimed one place: some of the guest's data may be overwritten. Keep a copy before anything is repaired.",
      certainty: 'certain',
      remedies: [remedies.check(path), remedies.repair(path, 'all')],
      offset: finding.offset,
    },
  ];
};
