/**
 * What cells of a viewport hold, added up from chunks of a picture, one after the other. How a chunk is laid out is told by
 * `Chunk` of core/picture, whose names these are; here its arrays are in the memory, and fields of 32 bits tell where.
 */
@unmanaged
class Chunk {
  start!: usize;
  firstInGroup!: usize;
  groupCode!: usize;
  groupBytes!: usize;
  unit!: usize;
  firstRun!: usize;
  firstSum!: usize;
  sums!: usize;
  runs!: usize;
  tiles!: u32;
  perGroup!: u32;
  coarse!: u32;
}

/**
 * Cell `i` begins at `start + i × cellBytes`, in bytes of the disk; what is at `end` or past it is in no cell. Of what each cell
 * holds there is a part for each code, in the order of appearance, its bytes a double, its owner and its kind 16 and 8 bits as in
 * `Pixels` of core's model; `first` receives for each cell the index of the first part behind it.
 */
@unmanaged
class Cells {
  start!: f64;
  cellBytes!: f64;
  end!: f64;
  /** Up to where all is added up. */
  at!: f64;
  /** The one at work, of `cells`. */
  cell!: u32;
  cells!: u32;
  first!: usize;
  /** Parts that were emptied from where they are written, so that `first` counts them, too. */
  emptied!: u32;
  /** Parts that are written, and for how many there is room. */
  parts!: u32;
  room!: u32;
  bytes!: usize;
  owner!: usize;
  kind!: usize;
  /** Bytes of the cell at work by code, doubles that are all 0 at first. */
  sums!: usize;
  /** The codes that it has, 16 bits each, and how many. */
  seen!: usize;
  count!: u32;
}

// @ts-ignore: decorator
@inline
function double(array: usize, index: u32): f64 {
  return load<f64>(array + (index << 3));
}

// @ts-ignore: decorator
@inline
function word(array: usize, index: u32): u32 {
  return load<u32>(array + (index << 2));
}

// @ts-ignore: decorator
@inline
function half(array: usize, index: u32): u32 {
  return load<u16>(array + (index << 1));
}

/** The end of the cell that is the `n`-th. */
// @ts-ignore: decorator
@inline
function cellEnd(cells: Cells, n: u32): f64 {
  return min(cells.end, cells.start + ((n as f64) + 1) * cells.cellBytes);
}

/** Whether more is needed of the chunk than its groups: an edge of a cell cuts one. */
export function groupsCut(cells: Cells, chunk: Chunk): bool {
  if (chunk.coarse) return false;
  let cell = cells.cell;
  let edge = cells.at;
  for (let tile: u32 = 0; tile < chunk.tiles; tile += chunk.perGroup) {
    const from = double(chunk.start, tile);
    if (from >= cells.end) break;
    for (; edge <= from; cell += 1) edge = cellEnd(cells, cell);
    if (edge < double(chunk.start, min(tile + chunk.perGroup, chunk.tiles))) return true;
  }
  return false;
}

/**
 * Which runs of the chunk are needed: those of tiles that an edge of a cell cuts, where a tile has more than one code.
 * @param ranges receives pairs of 32 bits: from which run to which
 * @returns how many
 */
export function runsNeeded(cells: Cells, chunk: Chunk, ranges: usize): u32 {
  let found: u32 = 0;
  let last: u32 = 0;
  let cell = cells.cell;
  let edge = cells.at;
  for (let tile = tileAt(chunk, cells.at); tile < chunk.tiles; tile += 1) {
    const from = double(chunk.start, tile);
    if (from >= cells.end) break;
    for (; edge <= from; cell += 1) edge = cellEnd(cells, cell);
    if (edge >= double(chunk.start, tile + 1)) continue;
    if (word(chunk.firstSum, tile + 1) - word(chunk.firstSum, tile) === 1) continue;
    const run = word(chunk.firstRun, tile);
    if (found === 0 || run !== last) {
      store<u32>(ranges + (found << 3), run);
      found += 1;
    }
    last = word(chunk.firstRun, tile + 1);
    store<u32>(ranges + (found << 3) - 4, last);
  }
  return found;
}

/**
 * Adds a chunk up, from where the one before ended: of groups and tiles where it can, of runs where a tile is cut. What a
 * cell has of a coarse one's slice is taken to be like the whole slice.
 * @returns false when there is no room for the parts of a cell: it goes on from there once they are emptied
 */
export function addChunk(cells: Cells, chunk: Chunk): bool {
  const start = chunk.start;
  const tiles = chunk.tiles;
  const chunkEnd = double(start, tiles);
  const sums = cells.sums;
  const seen = cells.seen;
  let tile = tileAt(chunk, cells.at);
  let at = cells.at;
  let count = cells.count;
  /** The run at work in a tile that is cut; none where it is yet to be found. */
  let run = NO_RUN;
  while (cells.cell < cells.cells) {
    const end = cellEnd(cells, cells.cell);
    const to = end < chunkEnd ? end : chunkEnd;
    while (at < to) {
      const from = double(start, tile);
      const tileEnd = double(start, tile + 1);
      if (at > from || tileEnd > to) {
        const stop = tileEnd < to ? tileEnd : to;
        const sum = word(chunk.firstSum, tile);
        if (chunk.coarse) {
          count = addGroup(sums, seen, chunk, tile, (stop - at) / (tileEnd - from), count);
        } else if (word(chunk.firstSum, tile + 1) - sum === 1) {
          count = add(sums, seen, count, half(chunk.sums, sum << 1), stop - at);
        } else {
          const unit = double(chunk.unit, tile);
          let next = chunk.runs + ((run === NO_RUN ? runAt(chunk, tile, (at - from) / unit) : run) << 2);
          let pair = load<u32>(next);
          let runEnd = from + ((pair & 0xffff) as i32 as f64) * unit;
          while (runEnd < stop) {
            count = add(sums, seen, count, pair >>> 16, runEnd - at);
            at = runEnd;
            next += 4;
            pair = load<u32>(next);
            runEnd = from + ((pair & 0xffff) as i32 as f64) * unit;
          }
          count = add(sums, seen, count, pair >>> 16, stop - at);
          if (runEnd === stop) next += 4;
          run = (next - chunk.runs) >>> 2;
        }
        at = stop;
        if (at >= tileEnd) {
          tile += 1;
          run = NO_RUN;
        }
        continue;
      }
      const group = tile / chunk.perGroup;
      const groupEnd = min(tile + chunk.perGroup, tiles);
      if (group * chunk.perGroup === tile && double(start, groupEnd) <= to) {
        count = addGroup(sums, seen, chunk, group, 1, count);
        tile = groupEnd;
      } else {
        count = addTile(sums, seen, chunk, tile, count);
        tile += 1;
      }
      at = double(start, tile);
    }
    cells.at = at;
    cells.count = count;
    if (chunkEnd < end) return true;
    if (cells.parts + count > cells.room) return false;
    finishCell(cells);
    count = 0;
    if (end >= cells.end) return true;
  }
  return true;
}

const NO_RUN = u32.MAX_VALUE;

// @ts-ignore: decorator
@inline
function add(sums: usize, seen: usize, count: u32, code: u32, bytes: f64): u32 {
  const sum = sums + (code << 3);
  const before = load<f64>(sum);
  store<f64>(sum, before + bytes);
  store<u16>(seen + (count << 1), code as u16);
  return count + u32(reinterpret<u64>(before) === 0);
}

// @ts-ignore: decorator
@inline
function addTile(sums: usize, seen: usize, chunk: Chunk, tile: u32, count: u32): u32 {
  const unit = double(chunk.unit, tile);
  const last = chunk.sums + (word(chunk.firstSum, tile + 1) << 2);
  for (let at = chunk.sums + (word(chunk.firstSum, tile) << 2); at < last; at += 4) {
    const pair = load<u32>(at);
    count = add(sums, seen, count, pair & 0xffff, ((pair >>> 16) as i32 as f64) * unit);
  }
  return count;
}

/** @param share of the group, of which all codes are taken to be in every part */
// @ts-ignore: decorator
@inline
function addGroup(sums: usize, seen: usize, chunk: Chunk, group: u32, share: f64, count: u32): u32 {
  const codes = chunk.groupCode;
  const bytes = chunk.groupBytes;
  const last = word(chunk.firstInGroup, group + 1);
  for (let part = word(chunk.firstInGroup, group); part < last; part += 1) {
    count = add(sums, seen, count, half(codes, part), double(bytes, part) * share);
  }
  return count;
}

function finishCell(cells: Cells): void {
  const sums = cells.sums;
  const last = cells.seen + (cells.count << 1);
  const part = cells.parts;
  let bytes = cells.bytes + (part << 3);
  let owner = cells.owner + (part << 1);
  let kind = cells.kind + part;
  for (let seen = cells.seen; seen < last; seen += 2) {
    const code: u32 = load<u16>(seen);
    const sum = sums + (code << 3);
    store<f64>(bytes, load<f64>(sum));
    store<f64>(sum, 0);
    store<i16>(owner, ownerOf(code));
    store<u8>(kind, (code & 7) as u8);
    bytes += 8;
    owner += 2;
    kind += 1;
  }
  cells.parts = part + cells.count;
  cells.count = 0;
  cells.cell += 1;
  store<u32>(cells.first + (cells.cell << 2), cells.emptied + cells.parts);
}

/** The code's depth; -1 for nobody, and -2 where it is not known: a kind without a layer. */
// @ts-ignore: decorator
@inline
function ownerOf(code: u32): i16 {
  return ((code >>> 3) - 1 - u32(code - 1 < 7)) as i16;
}

/** The tile that holds a place, or the chunk's last. */
function tileAt(chunk: Chunk, at: f64): u32 {
  let low: u32 = 0;
  let high = chunk.tiles - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (double(chunk.start, middle) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The run of a tile that holds a place, in units of the tile. */
function runAt(chunk: Chunk, tile: u32, units: f64): u32 {
  let low = word(chunk.firstRun, tile);
  let high = word(chunk.firstRun, tile + 1) - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((half(chunk.runs, middle << 1) as f64) > units) high = middle;
    else low = middle + 1;
  }
  return low;
}
