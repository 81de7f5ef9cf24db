import { Random } from '../fixtures/build/random';

/** Draws for random images: like `Random`, with what only they need. */
export class Draw extends Random {
  /** Draws of its own for `name`, so that a draw added in one place moves nothing elsewhere. */
  static named(seed: number, name: string): Draw {
    let hash = 0x811c9dc5 ^ seed;
    for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    return new Draw(hash >>> 0);
  }

  /** An integer in `[first, last]`. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000;
  }

  /** Bytes as files have them, words and numbers: a compressor makes about a third of them and uses all its codes. */
  text(length: number): Uint8Array {
    const words = Array.from({ length: 200 }, () => {
      return Array.from({ length: this.between(2, 9) }, () => String.fromCharCode(97 + this.below(26))).join('');
    });
    const parts: string[] = [];
    for (let have = 0; have < length;) {
      const word = this.chance(0.1) ? `${this.next()}\n` : `${this.pick(words)} `;
      parts.push(word);
      have += word.length;
    }
    return new TextEncoder().encode(parts.join('').slice(0, length));
  }
}
