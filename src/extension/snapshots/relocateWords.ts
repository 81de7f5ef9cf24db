import { basename, dirname, relative } from 'node:path';
import type { ParentCandidate, RelocateRequest } from '../../core/snapshots/model';
import { formatBytes } from '../../core/units';
import { plain, withoutIcons } from '../text';
import type { Question } from './consent';

const SURE: Readonly<Record<ParentCandidate['certainty'], string>> = {
  certain: 'certainly it',
  likely: 'likely it',
  possible: 'may be it',
  unlikely: 'hardly it',
};

/** A file that may be the parent, as a line of a list. @param from the overlay's folder */
export function candidateLine(
  { path, certainty, format, guestSize, damaged }: ParentCandidate,
  from: string,
): { readonly label: string; readonly description: string } {
  const place = relative(from, dirname(path));
  const where = place === '' ? 'beside it' : place;
  return {
    label: withoutIcons(plain(basename(path))),
    description: plain(
      [SURE[certainty], ...(damaged ? ['damaged'] : []), format, `${formatBytes(guestSize)} disk`, where].join(' · '),
    ),
  };
}

/** What speaks for it and against it, on one line. */
export function candidateDetail({ evidence }: ParentCandidate): string {
  return evidence.map(({ speaks, what }) => `${speaks === 'for' ? '+' : '−'} ${plain(what)}`).join('   ');
}

/** What is asked before an overlay gets another parent's name. */
export function relocateQuestion(
  { image, parent }: RelocateRequest,
  candidate: Partial<ParentCandidate> | undefined,
): Omit<Question, 'command'> {
  const sure = candidate?.certainty;
  const evidence = candidate?.evidence ?? [];
  return {
    title: `Let ${basename(image)} stand on ${basename(parent)}?`,
    detail: [
      [
        `${parent}${sure === undefined ? '' : ` is ${SURE[sure]}:`}`,
        ...evidence.map(({ speaks, what }) => `${speaks === 'for' ? '+' : '−'} ${what}`),
      ].join('\n'),
      'Only the name in the header is written anew; the old header is kept beside the image until the chain was read. ' +
        'With a file that is not the very parent, or was written to since, the disk is corrupt and nothing tells.',
    ],
    button: 'Relocate Parent',
  };
}
