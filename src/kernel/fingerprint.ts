/**
 * A number of 52 bits that says what bytes are there: other bytes have, but for chance, another. Not for bytes that
 * somebody makes up so that they have the same.
 * @param bytes a multiple of 64, @param place what the same bytes elsewhere are told apart by
 */
export function fingerprint(pointer: usize, bytes: u32, place: f64): f64 {
  const prime = i32x4.splat(0x9e37_79b1 as i32);
  let a = i32x4.splat(0x1656_67b1);
  let b = i32x4.splat(0x27d4_eb2f);
  let c = i32x4.splat(0x85eb_ca77 as i32);
  let d = i32x4.splat(0xc2b2_ae3d as i32);
  for (let at = pointer; at < pointer + bytes; at += 64) {
    a = mix(a, v128.load(at), prime);
    b = mix(b, v128.load(at, 16), prime);
    c = mix(c, v128.load(at, 32), prime);
    d = mix(d, v128.load(at, 48), prime);
  }
  const all = mix(mix(mix(a, b, prime), c, prime), d, prime);
  const high = (i64x2.extract_lane(all, 0) as u64) ^ ((place as u64) * 0x1656_67b1_9e37_79f9);
  const low = i64x2.extract_lane(all, 1) as u64;
  let mixed = (high ^ (low * 0x9e37_79b9_7f4a_7c15)) * 0xc2b2_ae3d_27d4_eb4f;
  mixed = (mixed ^ (mixed >> 29)) * 0x9e37_79b9_7f4a_7c15;
  return ((mixed ^ (mixed >> 32)) & 0x000f_ffff_ffff_ffff) as f64;
}

// @ts-ignore: decorator
@inline
function mix(sum: v128, bytes: v128, prime: v128): v128 {
  const product = i32x4.mul(v128.xor(sum, bytes), prime);
  return v128.xor(product, i32x4.shr_u(product, 15));
}
