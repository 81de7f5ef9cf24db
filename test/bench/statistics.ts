/** The upper of the two in the middle where their number is even; NaN of nothing. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** The slope of the line that fits best, by least squares: how fast y grows with x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((point) => point[0]);
  const y = mean((point) => point[1]);
  return mean(([px, py]) => (px - x) * (py - y)) / mean(([px]) => (px - x) ** 2);
}
