/** Codes of neighbouring units made into runs of the same. */

/** For each of 16 units, a bit that is set where its code is not that of the unit before it. */
// @ts-ignore: decorator
@inline
function changes(before: v128, low: v128, high: v128): u32 {
  const lowBefore = i8x16.shuffle(before, low, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const highBefore = i8x16.shuffle(low, high, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.ne(low, lowBefore), i16x8.ne(high, highBefore)));
}

/**
 * Runs with their host offsets: units with the same code whose places in the file follow each other.
 * @param ends receives where each run ends, 32 bits, in units
 * @param runCodes 16 bits each, @param runHosts the first unit's host offset, a double
 * @param unit bytes
 * @returns how many
 */
export function runs(
  codes: usize,
  hosts: usize,
  count: u32,
  unit: f64,
  ends: usize,
  runCodes: usize,
  runHosts: usize,
): u32 {
  const step = unit as i64;
  let found: u32 = 0;
  let code = load<u16>(codes);
  let host = load<i64>(hosts);
  let from: u32 = 0;
  for (let i: u32 = 1; i <= count; i += 1) {
    if (i < count) {
      const next = load<i64>(hosts + (i << 3));
      const expected = host < 0 ? -1 : host + step * (i - from);
      if (load<u16>(codes + (i << 1)) === code && next === expected) continue;
    }
    store<u32>(ends + (found << 2), i);
    store<u16>(runCodes + (found << 1), code);
    store<f64>(runHosts + (found << 3), host as f64);
    found += 1;
    if (i === count) break;
    code = load<u16>(codes + (i << 1));
    host = load<i64>(hosts + (i << 3));
    from = i;
  }
  return found;
}

/**
 * Cuts the units into tiles of at most `size`, and each tile into runs; adds up each tile's units by code.
 * @param phase where in a tile the first unit is
 * @param counts a counter of 32 bits for each code that there may be, all 0, and 0 again afterwards
 * @param out receives the tiles, 16 bits each: units, runs, sums; and from `runsOut` on for each run where it ends in its
 * tile and its code; and from `sumsOut` on for each code in a tile the code and its units, in the order of appearance
 * @returns how many tiles
 */
export function tiles(
  codes: usize,
  count: u32,
  size: u32,
  phase: u32,
  counts: usize,
  out: usize,
  runsOut: usize,
  sumsOut: usize,
): u32 {
  let found: u32 = 0;
  let run = runsOut;
  let sum = sumsOut;
  for (let from: u32 = 0; from < count;) {
    const end = min(from + size - (found === 0 ? phase : 0), count);
    const runsFrom = run;
    run = cut(codes, from, end, run);
    const sumsFrom = sum;
    sum = addUp(runsFrom, run, counts, sum);
    store<u16>(out, (end - from) as u16);
    store<u16>(out, ((run - runsFrom) >>> 2) as u16, 2);
    store<u16>(out, ((sum - sumsFrom) >>> 2) as u16, 4);
    out += 6;
    found += 1;
    from = end;
  }
  return found;
}

/** @returns where the next run would be written */
function cut(codes: usize, from: u32, end: u32, out: usize): usize {
  let before = v128.splat<u16>(load<u16>(codes + (from << 1)));
  for (let i = from; i < end; i += 16) {
    const at = codes + (i << 1);
    const low = v128.load(at);
    const high = v128.load(at, 16);
    let bits = changes(before, low, high);
    before = high;
    if (end - i < 16) bits &= (1 << (end - i)) - 1;
    while (bits !== 0) {
      const unit = i + ctz(bits);
      bits &= bits - 1;
      out = put(codes, unit, from, out);
    }
  }
  return put(codes, end, from, out);
}

// @ts-ignore: decorator
@inline
function put(codes: usize, end: u32, from: u32, out: usize): usize {
  store<u16>(out, (end - from) as u16);
  store<u16>(out, load<u16>(codes + (end << 1) - 2), 2);
  return out + 4;
}

/** @returns where the next sum would be written */
function addUp(runsFrom: usize, runsEnd: usize, counts: usize, out: usize): usize {
  const first = out;
  let from: u32 = 0;
  for (let at = runsFrom; at < runsEnd; at += 4) {
    const end: u32 = load<u16>(at);
    const code = load<u16>(at, 2);
    const counter = counts + ((code as usize) << 2);
    const before = load<u32>(counter);
    if (before === 0) {
      store<u16>(out, code);
      out += 4;
    }
    store<u32>(counter, before + end - from);
    from = end;
  }
  for (let at = first; at < out; at += 4) {
    const counter = counts + ((load<u16>(at) as usize) << 2);
    store<u16>(at, load<u32>(counter) as u16, 2);
    store<u32>(counter, 0);
  }
  return out;
}
