import type { Kind } from '../model';
import { Kind as Kinds, NOBODY, UNKNOWN_OWNER } from '../model';

/** Who answers and how, in 16 bits as `src/kernel` has it: 0 for nobody, the bare kind Unknown where it is not known. */

export const NOBODYS_CODE = 0;
export const UNKNOWN_CODE: number = Kinds.Unknown;

/** A layer's code without a kind. */
export const ownerCode = (depth: number): number => (depth + 1) << 3;

export const kindOf = (code: number): Kind => (code & 7) as Kind;

/** The depth of the layer, NOBODY or UNKNOWN_OWNER. */
export function ownerOf(code: number): number {
  if (code >= 8) return (code >> 3) - 1;
  return code === NOBODYS_CODE ? NOBODY : UNKNOWN_OWNER;
}

/** The code of an owner, which may be NOBODY or UNKNOWN_OWNER, and a kind. */
export function codeOf(owner: number, kind: number): number {
  if (owner >= 0) return ownerCode(owner) | kind;
  return owner === NOBODY ? NOBODYS_CODE : UNKNOWN_CODE;
}

/** How many codes there may be with so many layers. */
export const codeCount = (layers: number): number => (layers + 1) << 3;
