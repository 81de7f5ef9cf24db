import { DiskError } from '../errors';
import type { Kernel } from '../kernel/kernel';
import type { Chain, ChainLayer, Finding, Oddities } from '../model';
import { viewFrom } from '../views';
import type { WalkFrom } from '../walk';
import type { ScannedLayer } from './resolver';

/** Bytes of tables that all layers of a chain together read ahead. */
export const WINDOW_BYTES = 12 << 20;

export interface ChainScans {
  readonly layers: readonly ScannedLayer[];
  /** Hears of tables that can't be read. */
  readonly failed: (depth: number, error: DiskError) => void;
}

export interface OpenScansOptions {
  /** Is told of each layer that can't be scanned, and of tables that can't be read. */
  readonly failed?: ((depth: number, finding: Finding) => void) | undefined;
  /** Bytes of tables that all layers together read ahead. */
  readonly windowBytes?: number;
  /** Whether fingerprints of the newest are taken. */
  readonly fingerprints?: boolean;
}

/** Scans of all layers from a standpoint down, newest first. */
export function openScans(
  { layers }: Chain,
  from: WalkFrom,
  kernel: Kernel,
  { failed, windowBytes: ofAll = WINDOW_BYTES, fingerprints = false }: OpenScansOptions,
): ChainScans {
  const walked = layers.slice(from.depth);
  const windowBytes = Math.floor(ofAll / walked.length);
  const tell = (depth: number, error: DiskError): void => failed?.(depth, scanFailure(error));
  const scanned = walked.map((chainLayer) => {
    const { depth, layer } = chainLayer;
    const view = viewFrom(from, chainLayer);
    const scan = attempt(
      () => layer.scan(view, kernel, { windowBytes, fingerprints: fingerprints && depth === from.depth }),
      (error) => {
        tell(depth, error);
      },
    );
    return { depth, guestSize: view.guestSize, scan };
  });
  return { layers: scanned, failed: tell };
}

/** Gives a layer's findings what was odd. @param oddities of several scans that were of all of the layer together */
export function tellOddities(chainLayer: ChainLayer | undefined, from: WalkFrom, oddities: readonly Oddities[]): void {
  chainLayer?.layer.scanned(viewFrom(from, chainLayer), addUp(oddities));
}

function addUp(all: readonly Oddities[]): Oddities {
  const sums = new Map<string, { count: number; first: number }>();
  for (const oddities of all) {
    for (const [code, { count, first }] of oddities) {
      const before = sums.get(code);
      sums.set(code, { count: (before?.count ?? 0) + count, first: Math.min(before?.first ?? first, first) });
    }
  }
  return sums;
}

/** What a layer says of a failure to read its tables. */
export function scanFailure({ message, advice, offset }: DiskError): Finding {
  return {
    code: 'scan-failed',
    severity: 'error',
    message: `the map of this layer could not be read: ${message}`,
    advice,
    offset,
  };
}

function attempt<T>(use: () => T, failed: (error: DiskError) => void): T | undefined {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    failed(error);
    return undefined;
  }
}
