import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { MapEntry } from '../support/qemu';
import type { Draw } from '../support/random';
import { withSession } from '../support/session';

/** What `vmdisk trace --output json` prints. */
export interface TraceOutput {
  readonly offset: number;
  readonly owner: number | null;
  readonly steps: readonly {
    readonly depth: number;
    readonly outcome: string;
    readonly lookups: readonly unknown[];
    readonly hostOffset?: number;
  }[];
  readonly write: object;
}

/** A byte of the disk and the entry of the map that it lies in. */
export interface Sample {
  readonly offset: number;
  readonly entry: MapEntry;
}

/** The first, the last and some other byte of each range of a map. */
export function samplesOf(map: readonly MapEntry[], draw: Draw): Sample[] {
  return map.flatMap((entry) => {
    const { start, length } = entry;
    if (length === 0) return [];
    return [...new Set([start, start + draw.below(length), start + length - 1])].map((offset) => ({ offset, entry }));
  });
}

const ownerIn = ({ present, depth }: MapEntry): number | null => (present ? depth : null);

/** @throws AssertionError when what the command line prints tells another owner or another place than the map */
export function assertPrintedTrace(trace: TraceOutput, sample: Sample): void {
  const { offset, entry } = sample;
  assert.equal(trace.offset, offset);
  assert.equal(trace.owner, ownerIn(entry), `owner of byte ${offset}`);
  const step = trace.steps.find(({ depth }) => depth === entry.depth);
  if (entry.present) assert(outcomesIn(entry).includes(step?.outcome ?? ''), `${step?.outcome} at byte ${offset}`);
  else
    assert(
      trace.steps.every(({ outcome }) => outcome === 'absent'),
      `nobody has byte ${offset}`,
    );
  assertPlace(step?.hostOffset, sample);
}

/** @throws AssertionError when the core traces a byte to another owner or another place than the map */
export async function assertTraces(folder: string, image: string, samples: readonly Sample[]): Promise<void> {
  await withSession(join(folder, image), undefined, ({ session }) => {
    for (const sample of samples) {
      const { offset, entry } = sample;
      const trace = session.trace(offset);
      assert.equal(trace.owner < 0 ? null : trace.owner, ownerIn(entry), `owner of byte ${offset}`);
      assertPlace(trace.steps.find(({ depth }) => depth === entry.depth)?.hostOffset, sample);
    }
  });
}

/** What the owner may say; an old qemu-img does not tell compressed data from other data. */
function outcomesIn({ compressed, zero, data }: MapEntry): string[] {
  if (compressed) return ['compressed'];
  if (zero && !data) return ['zero'];
  return compressed === undefined ? ['data', 'compressed'] : ['data'];
}

/** Where the map tells an offset, the trace tells that byte's; of compressed and encrypted data only the trace does. */
function assertPlace(hostOffset: number | undefined, { offset, entry }: Sample): void {
  if (entry.offset !== undefined) {
    assert.equal(hostOffset, entry.offset + (offset - entry.start), `host offset of byte ${offset}`);
  } else if (entry.data) {
    // In a data file the first byte lies at 0.
    assert(hostOffset !== undefined, `byte ${offset} has a place in the file`);
  }
}
