import type { BuiltVhd } from '../../fixtures/build/vhd';
import type { MapEntry } from '../../support/qemu';
import { handMap, type Piece } from './recipe';

const SECTOR = 512;

type Told = readonly [kind: 'data' | 'zero', depth: number, offset: number];

/**
 * The map of a chain of dynamic and differencing images of one size, newest first, as the specification has it: sector by
 * sector, the newest that holds it. What a dynamic image does not hold is its zeros, with an offset where it has the space.
 */
export function vhdMap(chain: readonly BuiltVhd[]): MapEntry[] {
  const size = chain[0]?.spec.size ?? 0;
  const pieces: Piece[] = [];
  for (let at = 0; at < size; at += SECTOR) {
    const told = tell(chain, at);
    if (!told) continue;
    const [kind, depth, offset] = told;
    const last = pieces.at(-1);
    if (last && goesOn(last, at, told)) pieces[pieces.length - 1] = longer(last);
    else pieces.push([at, SECTOR, kind, depth, offset < 0 ? undefined : offset] as Piece);
  }
  return handMap(size, pieces, chain.length - 1);
}

function tell(chain: readonly BuiltVhd[], at: number): Told | undefined {
  for (const [depth, built] of chain.entries()) {
    const { spec, blockSize } = built;
    const number = Math.floor(at / blockSize);
    const within = at % blockSize;
    const block = spec.blocks?.get(number);
    if (block && (block.holds?.(within / SECTOR) ?? true)) return ['data', depth, built.place(number).data + within];
    if (spec.type !== 'differencing') return ['zero', depth, block ? built.place(number).data + within : -1];
  }
  return undefined;
}

function goesOn([start, length, kind, depth, offset]: Piece, at: number, told: Told): boolean {
  if (start + length !== at || kind !== told[0] || depth !== told[1]) return false;
  return offset === undefined ? told[2] < 0 : offset + length === told[2];
}

const longer = ([start, length, ...rest]: Piece): Piece => [start, length + SECTOR, ...rest];
