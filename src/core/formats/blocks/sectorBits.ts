import { Kind } from '../../model';
import type { SectorBits } from './blockMap';

export function isSet({ bytes, highestFirst }: SectorBits, sector: number): boolean {
  const bit = sector % 8;
  return ((bytes[(sector - bit) / 8] ?? 0) & (highestFirst ? 0x80 >>> bit : 1 << bit)) !== 0;
}

export const sectorKind = (bits: SectorBits, sector: number): Kind => (isSet(bits, sector) ? Kind.Data : bits.unset);

/** The first sector after one that is not as that is, or `sectors`. */
export function endOfRun(bits: SectorBits, sector: number, sectors: number): number {
  const set = isSet(bits, sector);
  const same = set ? 0xff : 0;
  let at = sector + 1;
  while (at < sectors) {
    if (at % 8 === 0 && bits.bytes[at / 8] === same) at += 8;
    else if (isSet(bits, at) === set) at += 1;
    else break;
  }
  return Math.min(at, sectors);
}
