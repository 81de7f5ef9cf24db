import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runCliJson } from '../support/cli';
import type { MapEntry } from '../support/qemu';
import type { Draw } from '../support/random';
import { withSession } from '../support/session';

/** Offsets of one image that are traced in a process of its own; all others, by the core in this one. */
const BY_COMMAND_LINE = 2;

interface TraceOutput {
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

interface Sample {
  readonly offset: number;
  readonly entry: MapEntry;
}

/** The first, the last and some other byte of each range of the map. */
function samplesOf(map: readonly MapEntry[], draw: Draw): Sample[] {
  return map.flatMap((entry) => {
    const { start, length } = entry;
    return [...new Set([start, start + draw.below(Math.max(1, length)), start + length - 1])]
      .filter((offset) => offset < start + length)
      .map((offset) => ({ offset, entry }));
  });
}

const ownerIn = ({ present, depth }: MapEntry): number | null => (present ? depth : null);

/** @throws AssertionError when a trace tells another owner or another place than the map */
export async function assertTraces(
  folder: string,
  image: string,
  map: readonly MapEntry[],
  draw: Draw,
): Promise<void> {
  const samples = samplesOf(map, draw);
  const some = draw.shuffle(samples).slice(0, BY_COMMAND_LINE);
  for (const { offset, entry } of some) {
    const trace = runCliJson(['trace', image, String(offset)], { cwd: folder }) as TraceOutput;
    assert.equal(trace.offset, offset);
    assert.equal(trace.owner, ownerIn(entry), `owner of byte ${offset}`);
    const step = trace.steps.find(({ depth }) => depth === entry.depth);
    if (entry.present) assert.equal(step?.outcome, outcomeIn(entry), `outcome at byte ${offset}`);
    else assert(trace.steps.every(({ outcome }) => outcome === 'absent'), `nobody has byte ${offset}`);
    assertPlace(step?.hostOffset, { offset, entry });
  }
  await withSession(join(folder, image), undefined, ({ session }) => {
    for (const sample of samples) {
      const { offset, entry } = sample;
      const trace = session.trace(offset);
      assert.equal(trace.owner < 0 ? null : trace.owner, ownerIn(entry), `owner of byte ${offset}`);
      assertPlace(trace.steps.find(({ depth }) => depth === entry.depth)?.hostOffset, sample);
    }
  });
}

function outcomeIn({ compressed, zero, data }: MapEntry): string {
  if (compressed) return 'compressed';
  return zero && !data ? 'zero' : 'data';
}

/** Where the map tells an offset, the trace tells that byte's; of compressed and encrypted ones only the trace tells. */
function assertPlace(hostOffset: number | undefined, { offset, entry }: Sample): void {
  if (entry.offset !== undefined) {
    assert.equal(hostOffset, entry.offset + (offset - entry.start), `host offset of byte ${offset}`);
  } else if (entry.data) {
    assert(hostOffset !== undefined && hostOffset > 0, `byte ${offset} has a place in the file`);
  }
}
