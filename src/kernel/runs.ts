/** Codes of neighbouring units made into runs of the same. */

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
