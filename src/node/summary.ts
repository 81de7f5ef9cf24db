import * as path from 'node:path';
import type { ChainLayer, Finding, LayerStory, Session } from '../core';
import type { CheckSummary, ImageSummary, LayerSummary } from '../protocol/image';
import { readNote } from './snapshots/notes';

/** A layer as the tree, the stack and the table show it. */
export function summarizeLayer(
  {
    depth,
    identity,
    source,
    layer,
    companions,
  }: Pick<ChainLayer, 'depth' | 'identity' | 'source' | 'layer' | 'companions'>,
  findings: readonly Finding[],
  { check, story }: { readonly check?: CheckSummary | undefined; readonly story?: LayerStory | undefined } = {},
): LayerSummary {
  return {
    depth,
    path: identity.path,
    companions: companions.filter((file) => path.isAbsolute(file)),
    fileName: path.basename(identity.path),
    format: layer.format,
    modified: source.modified,
    guestSize: layer.guestSize,
    fileSize: source.size,
    diskUsage: source.diskUsage,
    grain: layer.grain,
    backing: layer.parent?.written ?? null,
    views: layer.views,
    bitmaps: layer.bitmaps,
    facts: layer.facts,
    findings,
    readable: layer.readable,
    checkable: layer.check !== undefined,
    ...previewAt(identity.path),
    ...(check && { check }),
    ...(story && { story }),
    ...(story?.label !== undefined && { label: story.label }),
  };
}

/** Of an overlay that a note beside it tells to be a preview's. */
function previewAt(file: string): Pick<LayerSummary, 'preview'> {
  const note = readNote(file, 'preview');
  if (note?.kind !== 'preview' || note.overlay !== file) return {};
  const { overlay, of, leaf, made } = note;
  return { preview: { overlay, of, leaf, made } };
}

export type ScanState = Pick<ImageSummary, 'generation' | 'scan' | 'accounting' | 'scanError'>;

/** What is known of layers from elsewhere than their own bytes. */
export interface Besides {
  /** By depth, what checks of the layers found. */
  readonly checks?: ReadonlyMap<number, CheckSummary>;
  /** By path, what platforms say of the layers. */
  readonly stories?: ReadonlyMap<string, LayerStory>;
  /** Of the newest layer: who has it open for writing. */
  readonly use?: Finding | undefined;
}

export function summarizeSession(session: Session, state: ScanState, besides: Besides = {}): ImageSummary {
  const { chain, standpoint, view } = session;
  const { checks, stories, use } = besides;
  const layers = chain.layers.map((layer) =>
    summarizeLayer(layer, [...session.findings(layer.depth), ...(use && layer.depth === 0 ? [use] : [])], {
      check: checks?.get(layer.depth),
      story: stories?.get(layer.identity.path),
    }),
  );
  return { path: layers[0]?.path ?? '', layers, end: chain.end, standpoint, guestSize: view.guestSize, ...state };
}
