import type { CheckProblem, GuestRange } from '../../model';

/** Claims and places of the guest's disk that are told of each problem. */
export const MAX_TOLD = 16;
/** Places of the guest's disk that are looked for, of each problem. */
export const MAX_TOUCHED = 4096;

/** The places that a problem touches, as it tells them: in order, those that meet made one, the first few. */
export function guestTold(touched: readonly GuestRange[]): Pick<CheckProblem, 'guest' | 'guestPlaces'> {
  const guest = joined(touched);
  const told = { guest: guest.slice(0, MAX_TOLD) };
  return guest.length > MAX_TOLD ? { ...told, guestPlaces: guest.length } : told;
}

function joined(ranges: readonly GuestRange[]): GuestRange[] {
  const result: GuestRange[] = [];
  const inOrder = [...ranges].sort((a, b) => (a.view < b.view ? -1 : a.view > b.view ? 1 : a.start - b.start));
  for (const range of inOrder) {
    const last = result.at(-1);
    if (last?.view === range.view && range.start <= last.end)
      result[result.length - 1] = { ...last, end: Math.max(last.end, range.end) };
    else result.push(range);
  }
  return result;
}
