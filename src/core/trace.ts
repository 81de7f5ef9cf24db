import { DiskError } from './errors';
import type { HostPlace } from './hostSpace';
import { inOwnFile } from './hostSpace';
import type { Chain, ChainLayer, GuestOffset, LayerTrace, Lookup, Trace, TraceStep, View, WriteEffect } from './model';
import { guestOffset, hostOffset, Kind, NOBODY, UNKNOWN_OWNER } from './model';
import { viewFrom } from './views';

/**
 * How a read of one byte walks from the newest layer to its owner, and what lies hidden underneath. A layer whose tables
 * can't be read is a step of kind Unknown: what the others say is told all the same.
 * @param from depth of the layer to start at, @param view its state to start from
 * @throws DiskError `out-of-range` past the end of the disk
 */
export function traceRead(chain: Chain, from: number, view: View, offset: GuestOffset): Trace {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= view.guestSize) {
    const file = chain.layers[from]?.identity.path;
    throw new DiskError('out-of-range', `byte ${offset} is past the end of the disk (${view.guestSize} bytes)`, {
      file,
    });
  }
  const steps: TraceStep[] = [];
  let owner: number | undefined;
  let ended: string | undefined;
  for (const chainLayer of chain.layers.slice(from)) {
    const state = viewFrom({ depth: from, view }, chainLayer);
    if (offset >= state.guestSize) {
      ended ??= `${fileNameOf(chainLayer)} ends at byte ${state.guestSize}, before this one: past its end the disk reads as zero`;
      break;
    }
    const answer = traceLayer(chainLayer, state, offset);
    if (owner === undefined) ended ??= answer.failure;
    const found = owner === undefined && answer.step.kind !== Kind.Absent;
    if (found) owner = answer.step.kind === Kind.Unknown ? UNKNOWN_OWNER : chainLayer.depth;
    // By name: copying whatever is there takes longer than the layer's answer.
    const { kind, unitStart, unitEnd, compressedLength, write } = answer.step;
    const place = placeOf(chainLayer, answer.step);
    steps.push({
      kind,
      lookups: lookupsOf(chainLayer, answer.step),
      hostOffset: place && hostOffset(place.offset),
      holder: place?.holder,
      unitStart,
      unitEnd,
      compressedLength,
      write,
      depth: chainLayer.depth,
      filename: chainLayer.identity.path,
      role: found ? 'owner' : owner === undefined ? 'passed' : 'hidden',
    });
  }
  if (ended === undefined && chain.end.kind !== 'base') ended = chain.end.message;
  owner ??= chain.end.kind === 'base' || steps.length < chain.layers.length - from ? NOBODY : UNKNOWN_OWNER;
  const kind = steps.find(({ role }) => role === 'owner')?.kind ?? (owner === NOBODY ? Kind.Absent : Kind.Unknown);
  return {
    offset,
    owner,
    kind,
    steps,
    ended: owner < 0 ? ended : undefined,
    write: describeWrite({ chain, from, view }, steps),
  };
}

/** Where on the host the byte is that a layer told of. */
function placeOf(chainLayer: ChainLayer, { hostOffset: host, holder }: LayerTrace): HostPlace | undefined {
  if (host === undefined) return undefined;
  // An offset of a file that the layer names itself is that file's already.
  if (holder !== undefined) return { holder, offset: host };
  const { dataFile, identity } = chainLayer;
  return dataFile ? { holder: dataFile.path, offset: host } : inOwnFile(identity, host);
}

/** Of an image in an archive the entries are where the archive has them. */
function lookupsOf({ identity }: ChainLayer, { lookups }: LayerTrace): readonly Lookup[] {
  if (!identity.archive) return lookups;
  return lookups.map((lookup) => ({
    ...lookup,
    entryOffset: hostOffset(inOwnFile(identity, lookup.entryOffset).offset),
  }));
}

function traceLayer(
  chainLayer: ChainLayer,
  state: View,
  offset: GuestOffset,
): { readonly step: LayerTrace; readonly failure?: string } {
  try {
    return { step: chainLayer.layer.trace(state, offset) };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const write: WriteEffect = { effect: 'impossible', bytes: 0, reason: "its tables can't be read" };
    const step: LayerTrace = {
      kind: Kind.Unknown,
      lookups: [],
      unitStart: offset,
      unitEnd: guestOffset(offset + 1),
      write,
    };
    return { step, failure: `the tables of ${fileNameOf(chainLayer)} can't be read: ${error.message}` };
  }
}

/** Where a walk begins. */
interface Walk {
  readonly chain: Chain;
  readonly from: number;
  readonly view: View;
}

/** The last part of a path of either kind of system. */
const fileNameOf = ({ identity }: ChainLayer): string => identity.path.split(/[\\/]/).at(-1) ?? identity.path;

/**
 * A write goes to the first layer. What it does not cover of the unit around it is copied from whichever layers hold it;
 * where none does there is nothing to copy, only space to take.
 */
function describeWrite(walk: Walk, steps: readonly TraceStep[]): Trace['write'] {
  const [first] = steps;
  const write: WriteEffect = first?.write ?? { effect: 'impossible', bytes: 0 };
  if (!first || write.effect !== 'copy') return write;
  const sources = sourcesWithin(walk, first.unitStart, first.unitEnd, steps);
  if (sources.has(UNKNOWN_OWNER)) {
    const reason = 'what lies around the write is below a parent that is not there';
    return { effect: 'impossible', bytes: 0, reason };
  }
  if (sources.size === 0) return { ...write, effect: write.bytes === 0 ? 'in-place' : 'allocate' };
  return { ...write, copiesFrom: [...sources].sort((a, b) => a - b) };
}

/**
 * The layers that hold content of `[start, end)`; zeros need no source. UNKNOWN_OWNER where that can't be known.
 * @param steps what the layers said of a byte in there
 */
function sourcesWithin(
  { chain, from, view }: Walk,
  start: GuestOffset,
  end: GuestOffset,
  steps: readonly TraceStep[],
): Set<number> {
  const layers = chain.layers.slice(from);
  /** Each layer's last answer, good for all of its unit: the layer with the finest units sets the pace, not all. */
  const answers: (LayerTrace | undefined)[] = [...steps];
  const sources = new Set<number>();
  for (let at: number = start; at < end;) {
    let next: number = end;
    let source: number | undefined = chain.end.kind === 'base' ? undefined : UNKNOWN_OWNER;
    for (const [index, layer] of layers.entries()) {
      const state = viewFrom({ depth: from, view }, layer);
      if (at >= state.guestSize) {
        source = undefined;
        break;
      }
      let answer = answers[index];
      if (!answer || at < answer.unitStart || at >= answer.unitEnd)
        answer = answers[index] = traceLayer(layer, state, guestOffset(at)).step;
      next = Math.min(next, answer.unitEnd, state.guestSize);
      if (answer.kind === Kind.Absent) continue;
      const zero = answer.kind === Kind.Zero || answer.kind === Kind.ZeroAllocated;
      source = zero ? undefined : answer.kind === Kind.Unknown ? UNKNOWN_OWNER : layer.depth;
      break;
    }
    if (source !== undefined) sources.add(source);
    // Nothing after it changes the answer, and a table that can't be read is asked a byte at a time.
    if (source === UNKNOWN_OWNER) break;
    at = next;
  }
  return sources;
}
