import { basename } from 'node:path';
import type { Repaired, RepairMode } from '../../core/snapshots/model';
import { count } from '../text';
import type { Question } from './consent';

/** What is asked before an image is mended. */
export function question(image: string, mode: RepairMode): Omit<Question, 'command'> {
  const file = basename(image);
  return mode === 'leaks'
    ? {
        title: `Give back what ${file} has leaked?`,
        detail: ['What the guest sees stays as it is. What is changed in the file is kept beside it first.'],
        button: 'Repair Leaks',
      }
    : {
        title: `Repair ${file}?`,
        detail: [
          'Tables that contradict each other are made to agree, and what a broken reference held may be lost. ' +
            'What is changed in the file is kept beside it first.',
        ],
        button: 'Repair All',
      };
}

/** `2 corruptions and 3 leaks before; now none.` */
export function repairedText({ image, before, after }: Repaired): string {
  const problems = ({ corruptions, leaks }: Repaired['before']): string =>
    [...(corruptions > 0 ? [count(corruptions, 'corruption')] : []), ...(leaks > 0 ? [count(leaks, 'leak')] : [])].join(
      ' and ',
    ) || 'none';
  return `${basename(image)}: ${problems(before)} before; now ${problems(after)}.`;
}
