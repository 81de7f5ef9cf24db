/** A strip: kinds of neighbouring units, and their host offsets where these are kept. */

/**
 * Sets `count` units to one kind.
 * @param hosts 0 where they are not kept, @param host offset of the first unit, or -1, @param unit its bytes
 */
export function fill(kinds: usize, hosts: usize, count: u32, kind: u32, host: f64, unit: f64): void {
  memory.fill(kinds, kind as u8, count);
  if (hosts === 0) return;
  const step = host < 0 ? 0 : unit as i64;
  let at = host as i64;
  for (let i: u32 = 0; i < count; i += 1, at += step) store<i64>(hosts + (i << 3), at);
}

/**
 * Repeats each unit `2^shift` times, for a layer with coarser units than are asked for.
 * @param skip how many of the finer units are left out in the beginning, @param count how many are written
 * @param unit bytes of a finer unit
 */
export function expand(
  kinds: usize,
  hosts: usize,
  shift: u32,
  skip: u32,
  toKinds: usize,
  toHosts: usize,
  count: u32,
  unit: f64,
): void {
  for (let i: u32 = 0; i < count;) {
    const coarse = (i + skip) >>> shift;
    const end = min(((coarse + 1) << shift) - skip, count);
    const within = i + skip - (coarse << shift);
    memory.fill(toKinds + i, load<u8>(kinds + coarse), end - i);
    if (toHosts !== 0) {
      const host = load<i64>(hosts + (coarse << 3));
      const step = host < 0 ? 0 : unit as i64;
      let at = host + step * within;
      for (let j = i; j < end; j += 1, at += step) store<i64>(toHosts + (j << 3), at);
    }
    i = end;
  }
}
