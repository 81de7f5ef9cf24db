/** Index of the run that holds `offset`, which must lie in `[start[0], start[count])`. */
export function runAt(runs: { readonly count: number; readonly start: Float64Array }, offset: number): number {
  let low = 0;
  let high = runs.count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((runs.start[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
