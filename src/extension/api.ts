import type { ImageSummary, OpenResult } from '../protocol/image';
import type { FamilyNode } from './tree/families';
import type { ShownNode } from './tree/view';

/** What `activate` gives: enough to see from outside what the extension shows. Used by its own tests. */
export interface VmDiskApi {
  readonly tree: {
    /** Looks through the workspace again; resolves when all is known and measured. */
    refresh(): Promise<void>;
    /** What the tree shows now. */
    shown(): readonly ShownNode[];
    /** The nodes themselves, roots or those below one, as the tree's commands take them. */
    getChildren(node?: FamilyNode): readonly FamilyNode[];
    /** The file of the node that is selected. */
    selected(): string | undefined;
  };
  readonly editors: {
    /** The image in front, while ours is the active editor. */
    readonly active: OpenImage | undefined;
    /** Every image that is open. */
    readonly documents: readonly OpenImage['document'][];
  };
}

export interface OpenImage {
  /** The page is up and drawn. */
  readonly ready: Promise<void>;
  readonly selection: { readonly offset: number | null; readonly layer: number | null };
  readonly document: {
    /** What there is to show, once known. */
    result(): Promise<OpenResult>;
    /** The chain as last told; grows while it is scanned. */
    readonly summary: ImageSummary | undefined;
  };
}
