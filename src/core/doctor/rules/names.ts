import type { ImageRule } from '../rule';
import { listedNames, nameOf } from '../rule';
import { takeBeside } from './missingParent';

/** The parent's name was written on another machine. */
export const foreignPath: ImageRule = (image, { kin, remedies }) => {
  const { path, parent, findings } = image;
  if (!parent) return [];
  const translated = findings.find(({ code }) => code === 'windows-path');
  if (parent.foreign === undefined && !translated) return [];
  const { beside } = parent;
  const how =
    translated || parent.foreign === 'windows'
      ? 'is a path as Windows has it'
      : parent.foreign === 'unix'
        ? 'is a path as Linux or macOS have it'
        : 'leads through folders that this machine does not have';
  const there = beside
    ? ` A file of that name lies beside the image: the folder was most likely brought here from another machine.`
    : '';
  const found = parent.state === 'found';
  return [
    {
      code: 'path-of-another-machine',
      severity: 'warning',
      path,
      message: `the parent's name "${parent.written}" ${how}`,
      meaning: `The image was made on another machine, or before things were moved.${there} ${found ? 'It was understood here; QEMU does not find the parent by that name.' : 'By that name the parent is not found here.'}`,
      certainty: translated || parent.foreign !== 'no-such-root' ? 'certain' : 'likely',
      remedies: [
        ...takeBeside(image, kin, remedies),
        ...(found && parent.path !== undefined && parent.content?.format !== undefined
          ? [remedies.relocate('Write the name anew', path, parent.path, parent.content.format)]
          : []),
        ...(beside || found ? [] : [remedies.choosePlace(path)]),
      ],
    },
  ];
};

/** Where QEMU looks depends on the folder that it is started in. */
export const workingDirectory: ImageRule = ({ path, parent, findings }, { remedies }) => {
  const finding = findings.find(({ code }) => code === 'relative-to-working-directory');
  if (!finding || !parent) return [];
  return [
    {
      code: 'relative-to-working-directory',
      severity: 'warning',
      path,
      message: finding.message,
      meaning:
        'The VM starts or does not, or finds another file of that name, depending on the folder that QEMU is started in.',
      certainty: 'certain',
      remedies:
        parent.state === 'found' && parent.path !== undefined && parent.content?.format !== undefined
          ? [
              remedies.relocate(
                'Write the name so that it counts from the image',
                path,
                parent.path,
                parent.content.format,
              ),
            ]
          : [],
    },
  ];
};

/** A parent that is named by a description for QEMU, not by a name. */
export const jsonName: ImageRule = ({ path, parent }) => {
  if (parent?.state !== 'found' || !parent.written.startsWith('json:')) return [];
  return [
    {
      code: 'parent-by-json',
      severity: 'info',
      path,
      message: 'the parent is named by a "json:" description',
      meaning: 'QEMU understands it; many other programs do not, and take the chain for broken.',
      certainty: 'certain',
      remedies: [],
    },
  ];
};

/** One file under several names. */
export const twoNames: ImageRule = ({ path, otherNames }) => {
  if (otherNames.length === 0) return [];
  return [
    {
      code: 'two-names',
      severity: 'info',
      path,
      message: `the same file is also reached as ${listedNames(otherNames.map((name) => nearName(name, path)))}`,
      meaning:
        'It is one image: what is written by one name changes the other, and two VMs must not be given one each.',
      certainty: 'certain',
      remedies: [],
    },
  ];
};

/** The file's own name where it lies in the same folder, else the whole path. */
const nearName = (name: string, path: string): string =>
  name.slice(0, -nameOf(name).length) === path.slice(0, -nameOf(path).length) ? nameOf(name) : name;
