import type { Finding, Oddities, Oddity } from '../../model';
import { formatOffset } from '../../units';
import { CUT_SHORT } from '../advice';

/** What is odd about entries of a table of blocks. */
export type BlockOddity = 'entry' | 'data-past-end';

const ABOUT: Readonly<Record<BlockOddity, (oddity: Oddity) => Pick<Finding, 'message' | 'advice'>>> = {
  entry: ({ count, first }) => ({
    message: `${count} table ${count === 1 ? 'entry' : 'entries'} can't be true (the first for guest byte ${formatOffset(first)})`,
    advice: 'Restore the image from a backup; Check Image says more.',
  }),
  'data-past-end': ({ count, first }) => ({
    message: `the file ends before ${count} ${count === 1 ? 'block' : 'blocks'} of data, or inside (the first for guest byte ${formatOffset(first)}): zeros are read there`,
    advice: CUT_SHORT,
  }),
};

export function blockFindings(oddities: Oddities): readonly Finding[] {
  return [...oddities].flatMap(([code, oddity]) => {
    const about = (ABOUT as Partial<Record<string, (oddity: Oddity) => Pick<Finding, 'message' | 'advice'>>>)[code];
    return about ? [{ code, severity: 'error' as const, ...about(oddity) }] : [];
  });
}
