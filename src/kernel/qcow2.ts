/**
 * L2 entries of qcow2: docs/interop/qcow2.rst, "L2 table entry" and "Extended L2 Entries". What an entry means is told
 * for one of them by `EntryDecoder` (`core/formats/qcow2/mapping.ts`), and the tests hold the two against each other.
 */

const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
const COPIED: u64 = 1 << 63;
const COMPRESSED: u64 = 1 << 62;
const ZERO: u64 = 1;
const SECTOR: i64 = 512;
/** The largest offset that JavaScript's numbers hold exactly. */
const MAX_OFFSET: i64 = (1 << 53) - 1;
const SUBCLUSTERS: u32 = 32;
/** The bitmaps of a cluster all of which is allocated, as they stand in the file. */
const ALL_ALLOCATED: u64 = 0xffff_ffff_0000_0000;

/** Flags of an image. */
const VERSION_3: u32 = 1;
const EXTERNAL: u32 = 2;

const ABSENT: u32 = 0;
const DATA: u32 = 1;
const ZERO_PLAIN: u32 = 2;
const ZERO_ALLOCATED: u32 = 3;
const COMPRESSED_KIND: u32 = 4;
const INVALID: u32 = 5;

/**
 * What the last call found odd: how many entries can't be true, how many clusters lie past the end, and the first unit of
 * each.
 */
export let oddEntries: u32 = 0;
export let firstOddEntry: u32 = 0;
export let pastEnds: u32 = 0;
export let firstPastEnd: u32 = 0;

/** Where the entry that was decoded last has its bytes in the file, or -1. */
let host: i64 = -1;

function oddEntry(unit: u32): void {
  if (oddEntries === 0) firstOddEntry = unit;
  oddEntries += 1;
}

function pastEnd(unit: u32): void {
  if (pastEnds === 0) firstPastEnd = unit;
  pastEnds += 1;
}

/**
 * Entries of 8 bytes: a kind for each cluster.
 * @param entries big-endian, @param count how many
 * @param hosts receives the host offset of each cluster, or -1; 0 where they are not kept
 * @param fileEnd bytes of the file that holds the data, @param guest offset of the first cluster on the disk, bytes
 * @returns whether anything was odd; the exported counts then say what
 */
export function standard(
  entries: usize,
  count: u32,
  kinds: usize,
  hosts: usize,
  flags: u32,
  clusterBits: u32,
  fileEnd: f64,
  guest: f64,
): bool {
  oddEntries = 0;
  pastEnds = 0;
  const end = fileEnd as i64;
  const external = (flags & EXTERNAL) !== 0;
  prepare(flags, clusterBits, end);
  for (let i: u32 = 0; i < count;) {
    const stop = min(i + 16, count);
    if (!external && stop - i === 16 && sixteen(entries + (i << 3), kinds + i, hosts === 0 ? 0 : hosts + (i << 3))) {
      i = stop;
      continue;
    }
    for (; i < stop; i += 1) {
      const entry = bswap<u64>(load<u64>(entries + (i << 3)));
      const kind = single(entry, flags, clusterBits, end, (guest as i64) + ((i as i64) << clusterBits), false, i);
      store<u8>(kinds + i, kind);
      if (hosts !== 0) store<i64>(hosts + (i << 3), host);
    }
  }
  return (oddEntries | pastEnds) !== 0;
}

/** Bits as they stand in a big-endian entry. */
let special: u64 = 0;
let high: u64 = 0;
/** The largest offset that data may have. */
let largest: i64 = 0;
/** How many bits of a compressed entry are its offset. */
let offsetBits: i32 = 0;

/**
 * Sets what `sixteen` goes by.
 * @param fileEnd bytes
 */
function prepare(flags: u32, clusterBits: u32, fileEnd: i64): void {
  largest = (fileEnd < MAX_OFFSET ? fileEnd : MAX_OFFSET) - 1;
  const bits: u64 = largest > 0 ? 64 - clz<u64>(largest) : 0;
  const within: u64 = ((1 as u64) << bits) - 1;
  const misaligned: u64 = ((1 as u64) << clusterBits) - 1;
  const offset = (OFFSET_MASK & ~within) | (OFFSET_MASK & misaligned);
  special = bswap<u64>(COMPRESSED | offset | ((flags & VERSION_3) !== 0 ? 0 : ZERO));
  high = bswap<u64>(bits > 0 ? (1 as u64) << (bits - 1) : 0);
  // "Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8).
  offsetBits = 62 - ((clusterBits as i32) - 8);
}

/**
 * Sixteen entries at once. What one of them has, all of them together have: so most is asked once for all.
 * @returns false when one of them is compressed or odd: what was written is then of no use
 */
// @ts-ignore: decorator
@inline
function sixteen(entries: usize, kinds: usize, hosts: usize): bool {
  const none = i64x2.splat(0);
  const minus = i64x2.splat(-1);
  const a = v128.load(entries);
  const b = v128.load(entries, 16);
  const c = v128.load(entries, 32);
  const d = v128.load(entries, 48);
  const e = v128.load(entries, 64);
  const f = v128.load(entries, 80);
  const g = v128.load(entries, 96);
  const h = v128.load(entries, 112);
  const any = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), v128.or(v128.or(e, f), v128.or(g, h)));
  if (!v128.any_true(any)) {
    v128.store(kinds, none);
    if (hosts !== 0) for (let j: u32 = 0; j < 128; j += 16) v128.store(hosts + j, minus);
    return true;
  }
  if (v128.any_true(v128.and(any, i64x2.splat(special)))) {
    return v128.any_true(v128.and(any, i64x2.splat(bswap<u64>(COMPRESSED)))) && mixed(entries, kinds, hosts);
  }
  // Only an offset in the upper half of what the file may have can lie past its end.
  if (v128.any_true(v128.and(any, i64x2.splat(high)))) {
    const last = i64x2.splat(largest);
    let past = none;
    for (let j: u32 = 0; j < 128; j += 16) past = v128.or(past, i64x2.gt_s(offsets(v128.load(entries + j)), last));
    if (v128.any_true(past)) return false;
  }
  const absent = i8x16.shuffle(
    i8x16.narrow_i16x8_s(nowhere(a, b), nowhere(c, d)),
    i8x16.narrow_i16x8_s(nowhere(e, f), nowhere(g, h)),
    0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
  );
  // Absent 0 and data 1; zeros without and with space in the file are two more.
  let kind = v128.andnot(i8x16.splat(1), absent);
  if (v128.any_true(v128.and(any, i64x2.splat(bswap<u64>(ZERO))))) {
    const zero = i8x16.shuffle(
      i8x16.shuffle(lastBytes(a, b), lastBytes(c, d), 0, 1, 2, 3, 16, 17, 18, 19, 0, 0, 0, 0, 0, 0, 0, 0),
      i8x16.shuffle(lastBytes(e, f), lastBytes(g, h), 0, 1, 2, 3, 16, 17, 18, 19, 0, 0, 0, 0, 0, 0, 0, 0),
      0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23,
    );
    kind = i8x16.add(kind, i8x16.shl(v128.and(zero, i8x16.splat(1)), 1));
  }
  v128.store(kinds, kind);
  if (hosts !== 0) {
    for (let j: u32 = 0; j < 128; j += 16) {
      const offset = offsets(v128.load(entries + j));
      v128.store(hosts + j, v128.bitselect(minus, offset, i64x2.eq(offset, none)));
    }
  }
  return true;
}

/** Sixteen entries of which some are compressed. @returns false when one of them is odd */
function mixed(entries: usize, kinds: usize, hosts: usize): bool {
  const none = i64x2.splat(0);
  const minus = i64x2.splat(-1);
  const one = i64x2.splat(1);
  const last = i64x2.splat(largest);
  const wrong = i64x2.splat(bswap<u64>(special) & ~COMPRESSED);
  const ofOffset = i64x2.splat(((1 as i64) << offsetBits) - 1);
  const ofSectors = i64x2.splat(COMPRESSED - 1);
  let odd = none;
  for (let j: u32 = 0; j < 16; j += 2) {
    const pair = swapped(v128.load(entries + (j << 3)));
    const compressed = i64x2.shr_s(i64x2.shl(pair, 1), 63);
    const from = v128.and(pair, ofOffset);
    const sectors = i64x2.shr_u(v128.and(pair, ofSectors), offsetBits);
    // Where the sector before the last one ends: the last need not be there whole.
    const to = i64x2.add(v128.andnot(from, i64x2.splat(SECTOR - 1)), i64x2.shl(sectors, 9));
    const cut = v128.or(i64x2.gt_s(from, last), i64x2.gt_s(to, last));
    const offset = v128.and(pair, i64x2.splat(OFFSET_MASK));
    const allocated = i64x2.ne(offset, none);
    const zero = v128.and(pair, one);
    const kind = i64x2.add(v128.and(allocated, one), i64x2.shl(zero, 1));
    const bad = v128.or(i64x2.ne(v128.and(pair, wrong), none), i64x2.gt_s(offset, last));
    odd = v128.or(odd, v128.bitselect(cut, bad, compressed));
    const told = v128.bitselect(i64x2.splat(COMPRESSED_KIND as i64), kind, compressed);
    v128.store_lane<u8>(kinds + j, told, 0);
    v128.store_lane<u8>(kinds + j + 1, told, 8);
    if (hosts !== 0) {
      const plain = v128.bitselect(offset, minus, allocated);
      v128.store(hosts + (j << 3), v128.bitselect(from, plain, compressed));
    }
  }
  return !v128.any_true(odd);
}

/** Two big-endian entries as numbers. */
// @ts-ignore: decorator
@inline
function swapped(pair: v128): v128 {
  return i8x16.shuffle(pair, pair, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
}

/** Offsets of two entries, as numbers. */
// @ts-ignore: decorator
@inline
function offsets(pair: v128): v128 {
  return v128.and(swapped(pair), i64x2.splat(OFFSET_MASK));
}

/** Which of four entries have no offset: two lanes of 16 bits for each. */
// @ts-ignore: decorator
@inline
function nowhere(one: v128, two: v128): v128 {
  const none = i64x2.splat(0);
  const mask = i64x2.splat(bswap<u64>(OFFSET_MASK));
  return i16x8.narrow_i32x4_s(i64x2.eq(v128.and(one, mask), none), i64x2.eq(v128.and(two, mask), none));
}

/** The last bytes of four entries. */
// @ts-ignore: decorator
@inline
function lastBytes(one: v128, two: v128): v128 {
  return i8x16.shuffle(one, two, 7, 15, 23, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/**
 * Entries of 16 bytes: a kind for each of their 32 subclusters.
 * @param hosts of each subcluster; see `standard` for all else
 */
export function extended(
  entries: usize,
  count: u32,
  kinds: usize,
  hosts: usize,
  flags: u32,
  clusterBits: u32,
  fileEnd: f64,
  guest: f64,
): bool {
  oddEntries = 0;
  pastEnds = 0;
  const end = fileEnd as i64;
  const none = i64x2.splat(0);
  const minus = i64x2.splat(-1);
  const step = (1 as i64) << (clusterBits - 5);
  const external = (flags & EXTERNAL) !== 0;
  prepare(flags | VERSION_3, clusterBits, end);
  const plainly = special | high;
  for (let i: u32 = 0; i < count; i += 1) {
    const at = entries + (i << 4);
    const to = kinds + (i << 5);
    const hostsTo = hosts + (i << 8);
    if (!v128.any_true(v128.load(at))) {
      v128.store(to, none);
      v128.store(to, none, 16);
      if (hosts !== 0) for (let j: u32 = 0; j < 256; j += 16) v128.store(hostsTo + j, minus);
      continue;
    }
    const unit = i << 5;
    const raw = load<u64>(at);
    let kind: u32;
    const offset = (bswap<u64>(raw) & OFFSET_MASK) as i64;
    if (!external && offset !== 0 && (raw & plainly) === 0) {
      kind = DATA;
      host = offset;
      if (load<u64>(at, 8) === ALL_ALLOCATED) {
        v128.store(to, i8x16.splat(DATA as i8));
        v128.store(to, i8x16.splat(DATA as i8), 16);
        if (hosts !== 0) placeSubclusters(hostsTo, offset, step);
        continue;
      }
    } else {
      const guestHere = (guest as i64) + ((i as i64) << clusterBits);
      kind = single(bswap<u64>(raw), flags, clusterBits, end, guestHere, true, unit);
    }
    const zeroBits = bswap<u32>(load<u32>(at, 8));
    const allocated = bswap<u32>(load<u32>(at, 12));
    const contradicts = kind === DATA ? (zeroBits & allocated) !== 0 : kind === ABSENT && allocated !== 0;
    if (contradicts) {
      oddEntry(unit);
      kind = INVALID;
      host = -1;
    }
    if (kind === DATA || kind === ABSENT) {
      const zero = i8x16.splat((kind === DATA ? ZERO_ALLOCATED : ZERO_PLAIN) as i8);
      const data = i8x16.splat(DATA as i8);
      for (let half: u32 = 0; half < 32; half += 16) {
        v128.store(
          to + half,
          v128.or(v128.and(bytesOf(zeroBits >>> half), zero), v128.and(bytesOf(allocated >>> half), data)),
        );
      }
      if (kind === DATA && host + step * 32 > end) cutSubclusters(to, host, step, end, unit, external);
    } else {
      const all = i8x16.splat(kind as i8);
      v128.store(to, all);
      v128.store(to, all, 16);
    }
    if (hosts !== 0) placeSubclusters(hostsTo, host, step);
  }
  return (oddEntries | pastEnds) !== 0;
}

/** @param from where the cluster's bytes are, or -1, @param step bytes of a subcluster */
function placeSubclusters(hosts: usize, from: i64, step: i64): void {
  for (let j: u32 = 0; j < SUBCLUSTERS; j += 1) store<i64>(hosts + (j << 3), from < 0 ? -1 : from + step * j);
}

/** Subclusters that hold data and begin past the end of the file can't be read; in an external data file they stay data. */
function cutSubclusters(kinds: usize, from: i64, step: i64, end: i64, unit: u32, external: bool): void {
  for (let j: u32 = 0; j < SUBCLUSTERS; j += 1) {
    if (load<u8>(kinds + j) === DATA && from + step * j >= end) {
      if (!external) store<u8>(kinds + j, INVALID);
      pastEnd(unit + j);
    }
  }
}

/** One entry: its kind, and where its bytes are in `host`. */
function single(
  entry: u64,
  flags: u32,
  clusterBits: u32,
  fileEnd: i64,
  guest: i64,
  subclusters: bool,
  unit: u32,
): u32 {
  host = -1;
  const external = (flags & EXTERNAL) !== 0;
  if ((entry & COMPRESSED) !== 0) {
    if (external) {
      oddEntry(unit);
      return INVALID;
    }
    // An offset to the byte, then whole sectors of 512 bytes.
    const from = (entry & (((1 as u64) << (offsetBits as u64)) - 1)) as i64;
    const sectors = (((entry & (COMPRESSED - 1)) >> (offsetBits as u64)) as i64) + 1;
    const to = (from & ~(SECTOR - 1)) + sectors * SECTOR;
    // The last sector need not be there whole.
    if (from >= fileEnd || to > fileEnd + SECTOR - 1) pastEnd(unit);
    host = from;
    return COMPRESSED_KIND;
  }
  const offset = (entry & OFFSET_MASK) as i64;
  const zero = !subclusters && (entry & ZERO) !== 0;
  if (zero && (flags & VERSION_3) === 0) {
    oddEntry(unit);
    return INVALID;
  }
  // Offset 0 is the header's cluster, so it means "none"; in an external data file it is the disk's first.
  if (offset === 0 && (zero || !external || (entry & COPIED) === 0)) return zero ? ZERO_PLAIN : ABSENT;
  if ((offset & (((1 as i64) << clusterBits) - 1)) !== 0 || offset > MAX_OFFSET || (external && offset !== guest)) {
    oddEntry(unit);
    return INVALID;
  }
  host = offset;
  if (zero) return ZERO_ALLOCATED;
  if (!subclusters && offset >= fileEnd) {
    pastEnd(unit);
    // QEMU maps an external data file without asking how long it is.
    if (!external) return INVALID;
  }
  return DATA;
}

/** Sixteen bits as sixteen bytes of all ones or none. */
// @ts-ignore: decorator
@inline
function bytesOf(bits: u32): v128 {
  const spread = i8x16.swizzle(
    i32x4.splat(bits as i32),
    i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
  );
  const masks = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return i8x16.eq(v128.and(spread, masks), masks);
}
