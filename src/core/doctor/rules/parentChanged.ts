import type { ImageRule } from '../rule';

/**
 * The parent is not known by what the image says of it (`parent-changed`: a CID, a DataWriteGuid, a UUID, a time stamp).
 * What an image of such a format does not hold itself, it reads of the parent as it was.
 */
export const parentChanged: ImageRule = ({ path, format, findings }, { remedies }) =>
  findings
    .filter(({ code }) => code === 'parent-changed')
    .map(({ code, severity, message, offset }) => ({
      code,
      severity,
      path,
      message,
      meaning: `${MEANING} ${OWNERS[format] ?? 'The program that made it may refuse to open it.'}`,
      certainty: severity === 'error' ? ('certain' as const) : ('likely' as const),
      remedies: [
        remedies.advice(
          'Put the parent back as it was when the image was made: from a backup, or undo what wrote to it',
        ),
        remedies.command('Save what the disk reads as now, before anything else is tried', [
          ...['vmdisk', 'convert', '-O', 'qcow2', path],
          'COPY.qcow2',
        ]),
      ],
      offset,
    }));

const MEANING =
  'The parent was written to after the image was made on it, or is another file of the same name. Files of the guest may be ' +
  'made of old and new parts: what reads well may still be wrong.';

/** What the format's own programs do then. */
const OWNERS: Readonly<Record<string, string>> = {
  vmdk: 'VMware says that "the parent virtual disk has been modified", and does not start the VM; QEMU reads nothing of it.',
  vhdx: 'Hyper-V does not attach it. Where the parent is known to be unharmed, its Set-VHD can join the two again.',
  vpc: 'Hyper-V does not attach it. Where only the time of the parent was changed, its Set-VHD can join the two again.',
  vdi: 'VirtualBox does not open it, and says that the parent has another UUID.',
};
