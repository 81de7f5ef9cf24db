import type { Pixels } from '../../core/model';
import { Kind, NOBODY, UNKNOWN_OWNER } from '../../core/model';
import { formatShares } from '../format';

/** Cells, and how many bytes of each differ from another disk or are touched by a problem. */
export interface MarkedPixels extends Pixels {
  readonly different?: Float64Array | undefined;
  readonly damaged?: Float64Array | undefined;
}

/** Parts of one cell side by side: part `i` covers the pixels `[edge[i], edge[i + 1])` of its cell. */
export interface CellParts {
  count: number;
  readonly owner: Int16Array;
  readonly kind: Uint8Array;
  readonly bytes: Float64Array;
  readonly edge: Int32Array;
}

const MOST_PARTS = 512;

export const isUnknown = (owner: number, kind: number): boolean => owner === UNKNOWN_OWNER || kind === Kind.Unknown;

export function createCellParts(): CellParts {
  return {
    count: 0,
    owner: new Int16Array(MOST_PARTS),
    kind: new Uint8Array(MOST_PARTS),
    bytes: new Float64Array(MOST_PARTS),
    edge: new Int32Array(MOST_PARTS + 1),
  };
}

/**
 * Divides `width` pixels among the parts of a cell, in order and in proportion. What somebody owns gets at least one
 * pixel, however little it is, as long as there are pixels enough: a single changed cluster must not vanish. A cell
 * that the end of the disk cuts short is as much narrower.
 */
export function divideCell(pixels: Pixels, cell: number, width: number, out: CellParts): void {
  const from = pixels.first[cell] ?? 0;
  const parts = Math.min((pixels.first[cell + 1] ?? from) - from, MOST_PARTS);
  let total = 0;
  for (let part = 0; part < parts; part += 1) total += pixels.bytes[from + part] ?? 0;
  const room = total >= pixels.cellBytes ? width : Math.max(1, Math.round((total / pixels.cellBytes) * width));
  out.count = parts;
  for (let part = 0; part < parts; part += 1) copyPart(pixels, from + part, out, part);
  divide(out, total, room);
}

/** The same of the known parts of a cell alone, as if there were no others: they get all of the width. */
export function divideKnown(pixels: Pixels, cell: number, width: number, out: CellParts): void {
  const end = pixels.first[cell + 1] ?? 0;
  let total = 0;
  out.count = 0;
  for (let part = pixels.first[cell] ?? end; part < end && out.count < MOST_PARTS; part += 1) {
    if (isUnknown(pixels.owner[part] ?? 0, pixels.kind[part] ?? 0)) continue;
    total += pixels.bytes[part] ?? 0;
    copyPart(pixels, part, out, out.count);
    out.count += 1;
  }
  divide(out, total, width);
}

function copyPart(pixels: Pixels, from: number, out: CellParts, to: number): void {
  out.owner[to] = pixels.owner[from] ?? NOBODY;
  out.kind[to] = pixels.kind[from] ?? 0;
  out.bytes[to] = pixels.bytes[from] ?? 0;
}

function divide(out: CellParts, total: number, room: number): void {
  let sum = 0;
  let edge = 0;
  let vanished = false;
  out.edge[0] = 0;
  for (let part = 0; part < out.count; part += 1) {
    sum += out.bytes[part] ?? 0;
    const next = Math.round((sum / total) * room);
    out.edge[part + 1] = next;
    vanished ||= next === edge;
    edge = next;
  }
  if (vanished && out.count <= room) widenVanished(out);
}

/** Gives each owned part without a pixel one of the widest part's. */
function widenVanished(out: CellParts): void {
  for (let part = 0; part < out.count; part += 1) {
    if (out.owner[part] === NOBODY || widthOf(out, part) > 0) continue;
    let widest = 0;
    for (let other = 1; other < out.count; other += 1) {
      if (widthOf(out, other) > widthOf(out, widest)) widest = other;
    }
    if (widthOf(out, widest) < 2) return;
    // All edges between the two move by one pixel towards the widest.
    if (widest < part) for (let edge = widest + 1; edge <= part; edge += 1) shift(out.edge, edge, -1);
    else for (let edge = part + 1; edge <= widest; edge += 1) shift(out.edge, edge, 1);
  }
}

const widthOf = (parts: CellParts, part: number): number => (parts.edge[part + 1] ?? 0) - (parts.edge[part] ?? 0);

function shift(edges: Int32Array, edge: number, by: number): void {
  edges[edge] = (edges[edge] ?? 0) + by;
}

/** One part of a cell, for telling in words. */
export interface Part {
  readonly owner: number;
  readonly kind: number;
  readonly bytes: number;
}

/** The parts of a cell in order. */
export function partsOf(pixels: Pixels, cell: number): Part[] {
  const parts: Part[] = [];
  for (let part = pixels.first[cell] ?? 0; part < (pixels.first[cell + 1] ?? 0); part += 1) {
    parts.push({
      owner: pixels.owner[part] ?? NOBODY,
      kind: pixels.kind[part] ?? 0,
      bytes: pixels.bytes[part] ?? 0,
    });
  }
  return parts;
}

/** The parts with their shares of the cell, the largest first, as every place that tells of a cell lists them. */
export function sharesOf(parts: readonly Part[]): { readonly part: Part; readonly share: string }[] {
  const sorted = [...parts].sort((one, other) => other.bytes - one.bytes);
  const shares = formatShares(sorted.map(({ bytes }) => bytes));
  return sorted.map((part, index) => ({ part, share: shares[index] ?? '' }));
}

/** The part at `along` (0 … 1) of the way through a cell. */
export function partAt(parts: readonly Part[], along: number): Part | undefined {
  let left = along * parts.reduce((sum, part) => sum + part.bytes, 0);
  for (const part of parts) {
    left -= part.bytes;
    if (left < 0) return part;
  }
  return parts.at(-1);
}
