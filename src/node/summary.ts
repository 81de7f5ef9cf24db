import * as path from 'node:path';
import type { ChainLayer, Finding, LayerStory, Preview, Session } from '../core';
import { sizesOnHost } from '../core';
import type { CheckSummary, ImageSummary, LayerSummary } from '../protocol/image';
import { readNote } from './snapshots/notes';

/** A layer as the tree, the stack and the table show it. */
export function summarizeLayer(
  chainLayer: Pick<ChainLayer, 'depth' | 'identity' | 'source' | 'layer' | 'companions'>,
  findings: readonly Finding[],
  { check, story, preview }: Told = {},
): LayerSummary {
  const { depth, identity, source, layer, companions } = chainLayer;
  return {
    depth,
    path: identity.path,
    companions: companions.filter((file) => path.isAbsolute(file)),
    fileName: path.basename(identity.path),
    format: layer.format,
    modified: source.modified,
    guestSize: layer.guestSize,
    ...sizesOnHost(chainLayer),
    grain: layer.grain,
    backing: layer.parent?.written ?? null,
    views: layer.views,
    bitmaps: layer.bitmaps,
    facts: [...layer.facts, ...(identity.archive?.facts ?? [])],
    findings,
    readable: layer.readable,
    checkable: layer.check !== undefined,
    ...(preview && { preview }),
    ...(check && { check }),
    ...(story && { story }),
    ...(story?.label !== undefined && { label: story.label }),
  };
}

/** What is known of a layer from elsewhere than its own bytes. */
interface Told {
  readonly check?: CheckSummary | undefined;
  readonly story?: LayerStory | undefined;
  readonly preview?: Preview | undefined;
}

/** What a note beside an overlay tells of it, where that is a preview's. */
export function previewAt(file: string): Preview | undefined {
  const note = readNote(file, 'preview');
  if (note?.kind !== 'preview' || note.overlay !== file) return undefined;
  const { overlay, of, leaf, made } = note;
  return { overlay, of, leaf, made };
}

/** Those of these files that are the overlay of a preview. */
export function previewsAmong(files: readonly string[]): ReadonlyMap<string, Preview> {
  return new Map(
    files.flatMap((file) => {
      const preview = previewAt(file);
      return preview ? [[file, preview] as const] : [];
    }),
  );
}

export type ScanState = Pick<ImageSummary, 'generation' | 'scan' | 'accounting' | 'scanError'>;

/** What is known of layers from elsewhere than their own bytes. */
export interface Besides {
  /** By depth, what checks of the layers found. */
  readonly checks?: ReadonlyMap<number, CheckSummary>;
  /** By path, what platforms say of the layers. */
  readonly stories?: ReadonlyMap<string, LayerStory>;
  /** By path, of layers that are the overlay of a preview. */
  readonly previews?: ReadonlyMap<string, Preview>;
  /** Of the newest layer: who has it open for writing. */
  readonly use?: Finding | undefined;
}

export function summarizeSession(session: Session, state: ScanState, besides: Besides = {}): ImageSummary {
  const { chain, standpoint, view } = session;
  const { checks, stories, previews, use } = besides;
  const layers = chain.layers.map((layer) =>
    summarizeLayer(layer, [...session.findings(layer.depth), ...(use && layer.depth === 0 ? [use] : [])], {
      check: checks?.get(layer.depth),
      story: stories?.get(layer.identity.path),
      preview: previews?.get(layer.identity.path),
    }),
  );
  return { path: layers[0]?.path ?? '', layers, end: chain.end, standpoint, guestSize: view.guestSize, ...state };
}
