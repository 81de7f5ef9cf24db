/** Of a bar's height, what lines may take that stand for next to nothing. */
const SLIVERS = 0.25;

/**
 * How many lines of pixels up each part of a stacked bar reaches, lowest first. However small a part, it gets a line;
 * where parts are so many that those lines would push the topmost out of the bar, each gets its share, which may be none.
 * @param whole what a bar of the full height stands for
 */
export function reaches(parts: readonly number[], whole: number, height: number): number[] {
  const least = parts.length <= height * SLIVERS ? 1 : 0;
  const linesOf = (size: number): number => Math.round((size / whole) * height);
  const total = parts.reduce((sum, part) => sum + part, 0);
  const lines = Math.min(height, Math.max(1, least * parts.length, linesOf(total)));
  let sum = 0;
  let reached = 0;
  return parts.map((part, index) => {
    const above = parts.length - 1 - index;
    sum += part;
    reached = above === 0 ? lines : Math.max(reached + least, Math.min(linesOf(sum), lines - least * above));
    return reached;
  });
}
