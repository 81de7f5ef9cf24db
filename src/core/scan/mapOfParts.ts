import type { Kernel } from '../kernel/kernel';
import type { OwnershipMap } from '../model';
import { kindOf, ownerOf } from './codes';
import type { Part } from './resolver';
import { MAX_PLACED_UNITS } from './resolver';

/** Makes parts of a disk into maps with host offsets. */
export class MapOfParts {
  private readonly ends: number;
  private readonly codes: number;
  private readonly hosts: number;

  constructor(private readonly kernel: Kernel) {
    this.ends = kernel.reserve(MAX_PLACED_UNITS * 4);
    this.codes = kernel.reserve(MAX_PLACED_UNITS * 2);
    this.hosts = kernel.reserve(MAX_PLACED_UNITS * 8);
  }

  of(part: Part): OwnershipMap {
    const { from, to, unit, units, code } = part;
    if (code !== undefined) {
      return {
        count: 1,
        start: Float64Array.of(from, to),
        owner: Int16Array.of(ownerOf(code)),
        kind: Uint8Array.of(kindOf(code)),
        host: Float64Array.of(part.host),
      };
    }
    const { kernel } = this;
    const count = kernel.run.runs(part.codes, part.hosts, units, unit, this.ends, this.codes, this.hosts);
    const start = new Float64Array(count + 1);
    const owner = new Int16Array(count);
    const kind = new Uint8Array(count);
    const ends = kernel.u32.subarray(this.ends / 4, this.ends / 4 + count);
    const codes = kernel.u16.subarray(this.codes / 2, this.codes / 2 + count);
    start[0] = from;
    for (let run = 0; run < count; run += 1) {
      const each = codes[run] ?? 0;
      start[run + 1] = from + (ends[run] ?? 0) * unit;
      owner[run] = ownerOf(each);
      kind[run] = kindOf(each);
    }
    return { count, start, owner, kind, host: kernel.f64.slice(this.hosts / 8, this.hosts / 8 + count) };
  }
}
