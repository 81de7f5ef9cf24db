/**
 * A chunk of the disk at work (`core/picture/chunk.ts` says what it is): its tiles, runs and sums are appended to buffers
 * that the caller keeps large enough, and groups of tiles are added up in the end.
 */

/** How much of each there is. */
export let chunkTiles: u32 = 0;
export let chunkRuns: u32 = 0;
export let chunkSums: u32 = 0;

let starts: usize = 0;
let unitBytes: usize = 0;
let firstRuns: usize = 0;
let firstSums: usize = 0;
let runPairs: usize = 0;
let sumPairs: usize = 0;
let counters: usize = 0;
let byteCounters: usize = 0;

/**
 * Tells where chunks are put together from now on.
 * @param start a double for each tile and one more, @param unit a double for each tile
 * @param firstRun 32 bits for each tile and one more, @param firstSum the same
 * @param pairsOfRuns two numbers of 16 bits for each run, @param pairsOfSums the same for each sum
 * @param counts a counter of 32 bits for each code that there may be, all 0, and 0 again after each call
 * @param bytes the same, doubles
 */
export function layChunk(
  start: usize,
  unit: usize,
  firstRun: usize,
  firstSum: usize,
  pairsOfRuns: usize,
  pairsOfSums: usize,
  counts: usize,
  bytes: usize,
): void {
  starts = start;
  unitBytes = unit;
  firstRuns = firstRun;
  firstSums = firstSum;
  runPairs = pairsOfRuns;
  sumPairs = pairsOfSums;
  counters = counts;
  byteCounters = bytes;
  clearChunk();
}

export function clearChunk(): void {
  chunkTiles = 0;
  chunkRuns = 0;
  chunkSums = 0;
}

/** Adds a tile of one unit. */
export function addOne(from: f64, bytes: f64, code: u32): void {
  begin(from, bytes);
  addPair(runPairs + (chunkRuns << 2), 1, code);
  addPair(sumPairs + (chunkSums << 2), code, 1);
  chunkRuns += 1;
  chunkSums += 1;
}

/**
 * Cuts units into tiles of at most `size`, each tile into runs, and adds up its units by code.
 * @param from where the first unit is on the disk, @param unit its bytes, @param phase where in a tile it is
 */
export function addUnits(codes: usize, count: u32, size: u32, phase: u32, from: f64, unit: f64): void {
  let end = min(size - phase, count);
  for (let first: u32 = 0; first < count; end = min(end + size, count)) {
    begin(from + (first as f64) * unit, unit);
    const firstRun = runPairs + (chunkRuns << 2);
    const afterRuns = cut(codes, first, end, firstRun);
    chunkRuns = ((afterRuns - runPairs) >>> 2) as u32;
    const afterSums = addUp(firstRun, afterRuns, sumPairs + (chunkSums << 2));
    chunkSums = ((afterSums - sumPairs) >>> 2) as u32;
    first = end;
  }
}

/** Says where the last tile ends. */
export function endChunk(end: f64): void {
  begin(end, 0);
  chunkTiles -= 1;
}

/**
 * Adds up groups of tiles, of a chunk that has ended.
 * @param firstInGroup receives where each group's sums begin, 32 bits for each group and one more
 * @param codes receives the sums' codes, 16 bits each, in the order of appearance, @param bytes their bytes, doubles
 * @returns how many sums there are
 */
export function addGroups(perGroup: u32, firstInGroup: usize, codes: usize, bytes: usize): u32 {
  let found: u32 = 0;
  let group: u32 = 0;
  store<u32>(firstInGroup, 0);
  for (let tile: u32 = 0; tile < chunkTiles; ) {
    const first = found;
    for (const end = min(tile + perGroup, chunkTiles); tile < end; tile += 1) {
      const unit = load<f64>(unitBytes + (tile << 3));
      const last = sumPairs + (load<u32>(firstSums + ((tile + 1) << 2)) << 2);
      for (let sum: usize = sumPairs + (load<u32>(firstSums + (tile << 2)) << 2); sum < last; sum += 4) {
        const code: u32 = load<u16>(sum);
        const counter = byteCounters + ((code as usize) << 3);
        const before = load<f64>(counter);
        if (before === 0) {
          store<u16>(codes + (found << 1), code as u16);
          found += 1;
        }
        store<f64>(counter, before + (load<u16>(sum, 2) as f64) * unit);
      }
    }
    for (let i = first; i < found; i += 1) {
      const counter = byteCounters + ((load<u16>(codes + (i << 1)) as usize) << 3);
      store<f64>(bytes + (i << 3), load<f64>(counter));
      store<f64>(counter, 0);
    }
    group += 1;
    store<u32>(firstInGroup + (group << 2), found);
  }
  return found;
}

function begin(start: f64, unit: f64): void {
  store<f64>(starts + (chunkTiles << 3), start);
  store<f64>(unitBytes + (chunkTiles << 3), unit);
  store<u32>(firstRuns + (chunkTiles << 2), chunkRuns);
  store<u32>(firstSums + (chunkTiles << 2), chunkSums);
  chunkTiles += 1;
}

// @ts-ignore: decorator
@inline
function addPair(at: usize, one: u32, other: u32): void {
  store<u16>(at, one as u16);
  store<u16>(at, other as u16, 2);
}

/** For each of 16 units, a bit that is set where its code is not that of the unit before it. */
// @ts-ignore: decorator
@inline
function changes(before: v128, low: v128, high: v128): u32 {
  const lowBefore = i8x16.shuffle(before, low, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const highBefore = i8x16.shuffle(low, high, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.ne(low, lowBefore), i16x8.ne(high, highBefore)));
}

/** Writes the runs of one tile. @returns where the next run would be written */
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
  addPair(out, end - from, load<u16>(codes + (end << 1) - 2));
  return out + 4;
}

/** Writes what the runs of one tile add up to. @returns where the next sum would be written */
function addUp(firstRun: usize, afterRuns: usize, out: usize): usize {
  const first = out;
  let from: u32 = 0;
  for (let at = firstRun; at < afterRuns; at += 4) {
    const end: u32 = load<u16>(at);
    const code = load<u16>(at, 2);
    const counter = counters + ((code as usize) << 2);
    const before = load<u32>(counter);
    if (before === 0) {
      store<u16>(out, code);
      out += 4;
    }
    store<u32>(counter, before + end - from);
    from = end;
  }
  for (let at = first; at < out; at += 4) {
    const counter = counters + ((load<u16>(at) as usize) << 2);
    store<u16>(at, load<u32>(counter) as u16, 2);
    store<u32>(counter, 0);
  }
  return out;
}
