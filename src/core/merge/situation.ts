import type { ChainEnd, ChainLayer, Finding } from '../model';
import type { Direction } from '../snapshots/model';
import { misread } from '../snapshots/qemuReads';

/** An image as far as it matters for deleting a layer. */
export interface MergeImage {
  /** Absolute. */
  readonly path: string;
  readonly format: string;
  readonly guestSize: number;
  /** Why QEMU does not read it as we do, where it does not. */
  readonly misread: string | undefined;
  /** False where it is encrypted. */
  readonly readable: boolean;
  /** Its data lies in a file of its own. */
  readonly externalData: boolean;
  readonly corrupt: boolean;
  /** Version 2 of the format: nothing in it can be told to read as zero. */
  readonly old: boolean;
  /** Names of its internal snapshots. */
  readonly snapshots: readonly string[];
  readonly bitmaps: readonly string[];
  /** It has a bitmap that was not closed in order: QEMU does not make its disk larger then. */
  readonly openBitmap: boolean;
  /** Its parent's name as it writes it. */
  readonly backing: string | undefined;
  /** The format of its parent as it records it. */
  readonly backingFormat: string | undefined;
  /** It names a part of a file as its parent, or names it in a way that is no path. */
  readonly oddBacking: boolean;
}

/** A layer that is to go, and all that hangs together with it. */
export interface Situation {
  readonly layer: MergeImage;
  /** What it stands on, nearest first, as far as that can be opened. */
  readonly below: readonly MergeImage[];
  readonly end: ChainEnd;
  /** What stands directly on it. */
  readonly children: readonly MergeImage[];
  /** What stands on its parent beside it; without what stood on the layer before a commit that was cut off. */
  readonly siblings: readonly MergeImage[];
  /** Its parent would show old bytes if it became as large as the layer. */
  readonly staleTail: boolean;
  /** Of a run that was cut off: its way, and what stood on the layer and stands on its parent by now. */
  readonly begun: { readonly direction: Direction; readonly moved: readonly string[] } | undefined;
  /** Why an image may not be changed, by its path: of the layer, its parent and its children. */
  readonly locked: ReadonlyMap<string, readonly Finding[]>;
}

export function mergeImage(chainLayer: ChainLayer): MergeImage {
  const { identity, layer, companions, dataFile } = chainLayer;
  const data = layer.info['format-specific']?.data ?? {};
  const { parent } = layer;
  const isPath = parent === undefined || (parent.target.kind === 'path' && !/^(?:json|file):/.test(parent.written));
  return {
    path: identity.path,
    format: layer.format,
    guestSize: layer.guestSize,
    misread: misread(chainLayer)?.why,
    readable: layer.readable,
    externalData: companions.length > 0 || dataFile !== undefined || data['data-file'] !== undefined,
    corrupt: data['corrupt'] === true,
    old: data['compat'] === '0.10',
    snapshots: layer.views.slice(1).map(({ name }) => name),
    bitmaps: layer.bitmaps.map(({ name }) => name),
    openBitmap: layer.bitmaps.some(({ flags }) => flags.includes('in-use')),
    backing: parent?.written,
    backingFormat: layer.info['backing-filename-format'],
    oddBacking: !isPath || parent?.window !== undefined,
  };
}
