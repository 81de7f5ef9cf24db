/** Layers put over each other, newest first: a unit that has a code keeps it. */

/**
 * Gives the units that are still free and that this layer holds its codes. Where a unit stays free its host offset is
 * that of the deepest layer so far: space that is kept there and not used.
 * @param count units; kinds and codes have room for a whole number of 16, and the kinds past `count` are 0
 * @param owner the layer's code without a kind
 * @returns how many units the layer holds, free or not
 */
export function overlay(kinds: usize, hosts: usize, count: u32, codes: usize, codeHosts: usize, owner: u32): u32 {
  const zero = i16x8.splat(0);
  const owners = i16x8.splat(owner as i16);
  let held: u32 = 0;
  for (let i: u32 = 0; i < count; i += 16) {
    const here = v128.load(kinds + i);
    const at = codes + (i << 1);
    const low = v128.load(at);
    const high = v128.load(at, 16);
    const freeLow = i16x8.eq(low, zero);
    const freeHigh = i16x8.eq(high, zero);
    if (codeHosts !== 0) {
      if (v128.any_true(freeLow)) copyHosts(hosts + (i << 3), codeHosts + (i << 3), freeLow);
      if (v128.any_true(freeHigh)) copyHosts(hosts + (i << 3) + 64, codeHosts + (i << 3) + 64, freeHigh);
    }
    if (!v128.any_true(here)) continue;
    held += 16 - popcnt(i8x16.bitmask(i8x16.eq(here, zero)));
    const kindLow = i16x8.extend_low_i8x16_u(here);
    const kindHigh = i16x8.extend_high_i8x16_u(here);
    const newLow = v128.andnot(freeLow, i16x8.eq(kindLow, zero));
    const newHigh = v128.andnot(freeHigh, i16x8.eq(kindHigh, zero));
    v128.store(at, v128.or(low, v128.and(v128.or(kindLow, owners), newLow)));
    v128.store(at, v128.or(high, v128.and(v128.or(kindHigh, owners), newHigh)), 16);
  }
  return held;
}

/** @returns how many of the units the layer holds; the kinds past `count` are 0 */
export function count(kinds: usize, units: u32): u32 {
  const zero = i8x16.splat(0);
  let held: u32 = 0;
  for (let i: u32 = 0; i < units; i += 16) {
    held += 16 - popcnt(i8x16.bitmask(i8x16.eq(v128.load(kinds + i), zero)));
  }
  return held;
}

/** Gives all units that are still free one code, which may be 0, and places in the file from `host` on. */
export function cover(codes: usize, codeHosts: usize, count: u32, code: u32, host: f64, unit: f64): void {
  const zero = i16x8.splat(0);
  const all = i16x8.splat(code as i16);
  const from = host as i64;
  const step = host < 0 ? 0 : unit as i64;
  for (let i: u32 = 0; i < count; i += 8) {
    const at = codes + (i << 1);
    const before = v128.load(at);
    const free = i16x8.eq(before, zero);
    if (!v128.any_true(free)) continue;
    if (codeHosts !== 0) {
      for (let j: u32 = i; j < i + 8; j += 1) {
        if (load<u16>(codes + (j << 1)) === 0) store<i64>(codeHosts + (j << 3), from + step * j);
      }
    }
    v128.store(at, v128.or(before, v128.and(all, free)));
  }
}

/** Host offsets of eight units, where the mask of 16-bit lanes says so. */
// @ts-ignore: decorator
@inline
function copyHosts(from: usize, to: usize, mask: v128): void {
  const low = i32x4.extend_low_i16x8_s(mask);
  const high = i32x4.extend_high_i16x8_s(mask);
  copyTwo(from, to, i64x2.extend_low_i32x4_s(low));
  copyTwo(from + 16, to + 16, i64x2.extend_high_i32x4_s(low));
  copyTwo(from + 32, to + 32, i64x2.extend_low_i32x4_s(high));
  copyTwo(from + 48, to + 48, i64x2.extend_high_i32x4_s(high));
}

// @ts-ignore: decorator
@inline
function copyTwo(from: usize, to: usize, mask: v128): void {
  v128.store(to, v128.bitselect(v128.load(from), v128.load(to), mask));
}
