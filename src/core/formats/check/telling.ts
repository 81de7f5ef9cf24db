import type { CheckProblem } from '../../model';

const FREE_NOTHING = 'Free nothing while there are corruptions: what a broken table referred to looks leaked as well.';

/**
 * Problems in the order of their weight: what kept the check from being complete, corruptions, those of them with the code
 * that weighs least, leaks; those of a kind as they were found. Where anything is corrupt, no leak is said to be harmless.
 */
export function inOrder(problems: readonly CheckProblem[], leastCode?: string): CheckProblem[] {
  const corrupt = problems.some(({ counts }) => counts !== 'leak');
  const rankOf = ({ counts, code }: CheckProblem): number => {
    if (counts === 'error') return 0;
    if (counts === 'leak') return 3;
    return code === leastCode ? 2 : 1;
  };
  return problems
    .map((problem) => (corrupt && problem.counts === 'leak' ? { ...problem, advice: FREE_NOTHING } : problem))
    .sort((a, b) => rankOf(a) - rankOf(b));
}
