import { setU64be, u32be } from './bytes';

const BLOCK = 64;

/** FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = fractions(64, Math.cbrt, 3);
/** 5.3.3: the same of the square roots of the first eight. */
const START = fractions(8, Math.sqrt, 2);

/** SHA-256 (FIPS 180-4) of a few megabytes at most, in hexadecimal: for checksums, where the host need not be asked. */
export function sha256Of(bytes: Uint8Array): string {
  const state = START.slice();
  const whole = bytes.length - (bytes.length % BLOCK);
  const words = new Uint32Array(BLOCK);
  for (let at = 0; at < whole; at += BLOCK) addBlock(state, bytes, at, words);
  const last = padded(bytes.subarray(whole), bytes.length);
  for (let at = 0; at < last.length; at += BLOCK) addBlock(state, last, at, words);
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

/** 5.1.1: a one bit, zeros, and the length in bits at the end of a block. */
function padded(rest: Uint8Array, length: number): Uint8Array {
  const last = new Uint8Array(rest.length + 9 > BLOCK ? 2 * BLOCK : BLOCK);
  last.set(rest);
  last[rest.length] = 0x80;
  setU64be(last, last.length - 8, length * 8);
  return last;
}

/** 6.2.2. @param w 64 words that are used again */
function addBlock(state: Uint32Array, bytes: Uint8Array, at: number, w: Uint32Array): void {
  for (let t = 0; t < 16; t += 1) w[t] = u32be(bytes, at + 4 * t);
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15] ?? 0;
    const y = w[t - 2] ?? 0;
    const s0 = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    const s1 = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    w[t] = (w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < 64; t += 1) {
    const choice = (e & f) ^ (~e & g);
    const sumOfE = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + sumOfE + choice + (K[t] ?? 0) + (w[t] ?? 0)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] ?? 0) + word;
  });
}

const turned = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/**
 * The first 32 bits of the fractional part of a root of each of the first primes, exactly: a double has not enough bits
 * to be trusted with the last one.
 */
function fractions(count: number, root: (value: number) => number, degree: 2 | 3): Uint32Array {
  const found: number[] = [];
  for (let n = 2; found.length < count; n += 1) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) isPrime = false;
    if (!isPrime) continue;
    // The root times 2^32, rounded down: the largest integer whose power is no more than the prime's times that of 2^32.
    let guess = BigInt(Math.floor(root(n) * 2 ** 32));
    const limit = BigInt(n) << BigInt(32 * degree);
    const power = (value: bigint): bigint => value ** BigInt(degree);
    while (power(guess) > limit) guess -= 1n;
    while (power(guess + 1n) <= limit) guess += 1n;
    found.push(Number(guess & 0xffffffffn));
  }
  return Uint32Array.from(found);
}
