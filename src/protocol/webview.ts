import type {
  DifferenceReply,
  ImageSummary,
  OpenResult,
  PixelReply,
  PixelRequest,
  ReadReply,
  Standpoint,
  TraceReply,
} from './image';
import type { WorkName } from './worker';

/** Webview → extension host. */
export type WebviewCalls = {
  /**
   * The page is up: gives what to draw. A page that comes back says where it stood; an image that has been open all
   * the while keeps the place it is looked at from now.
   */
  ready: { params: { readonly standpoint: Standpoint | null }; result: OpenResult };
  look: { params: Standpoint; result: ImageSummary };
  pixels: { params: PixelRequest; result: PixelReply };
  trace: { params: { readonly offset: number }; result: TraceReply };
  read: { params: { readonly offset: number; readonly length: number }; result: ReadReply };
  difference: { params: { readonly from: number; readonly by: 1 | -1 }; result: DifferenceReply | null };
  copy: { params: { readonly text: string; readonly what: string }; result: null };
};

/** What the page asks VS Code to do, without waiting for an answer. */
export type PageAction =
  | { readonly action: 'open-layer'; readonly path: string }
  | { readonly action: 'reveal-in-tree'; readonly path: string }
  | { readonly action: 'go-to' } // asks for an offset with VS Code's input box
  | { readonly action: 'export' } // asks what, as what, and to where
  | { readonly action: 'check'; readonly depth: number }
  | { readonly action: 'compare' } // asks with what
  | { readonly action: 'end-comparison' }
  | { readonly action: 'cancel'; readonly work: WorkName }
  | { readonly action: 'relocate-parent' } // of the layer where the chain breaks; asks where it is
  | { readonly action: 'diagnose' }
  | { readonly action: 'commit-preview' }
  | { readonly action: 'undo-preview' }
  | { readonly action: 'show-problems' }
  | { readonly action: 'open-as-raw' }
  | { readonly action: 'open-as-text' }
  | { readonly action: 'allow-file'; readonly path: string } // let this parent outside the folder be read
  | { readonly action: 'refresh' };

/** Webview → extension host. */
export type PageEvents = {
  action: PageAction;
  /** What is selected, so that commands and the tree follow. `layer` is the picked layer, else the owner. */
  selection: { readonly offset: number | null; readonly layer: number | null; readonly picked: number | null };
};

/** Extension host → webview. */
export type HostEvents = {
  /** The file was opened anew (it changed on disk, or it was allowed more): draw this, keep the place. */
  opened: OpenResult;
  changed: ImageSummary;
  progress: { readonly done: number; readonly total: number };
  /** How far work is, 0 … 1; null once it has ended, however it did. `depth` is that of the layer that is checked. */
  working: { readonly work: WorkName; readonly depth?: number | undefined; readonly share: number | null };
  /** Select and show this guest offset; with `trace`, move the focus to the inspector. */
  goTo: { readonly offset: number; readonly trace: boolean };
  pickLayer: { readonly depth: number | null };
  /** How many images are known to stand on the one that is open: 0 where nobody has looked for them yet. */
  overlays: { readonly count: number };
};
