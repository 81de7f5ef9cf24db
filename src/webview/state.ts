import type { WireError } from '../core/errors';
import type { ImageSummary, NotAnImage, ReadReply, Standpoint, TraceReply } from '../protocol/image';
import type { Cell, MapSight, SavedView } from './map/mapview';

/** What fills the window. */
export type Page =
  | { readonly kind: 'loading' }
  | { readonly kind: 'image' }
  | { readonly kind: 'not-an-image'; readonly what: NotAnImage }
  | { readonly kind: 'failed'; readonly error: WireError; readonly size?: number; readonly head?: Uint8Array };

/** What the inspector shows of the selected block. */
export type Inspected =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'block';
      readonly reply: TraceReply;
      readonly bytes: ReadReply | { readonly error: string };
    }
  | { readonly kind: 'failed'; readonly error: WireError };

export interface State {
  readonly page: Page;
  readonly summary: ImageSummary | undefined;
  /** What each layer is called, newest first. */
  readonly names: readonly string[];
  readonly picked: number | null;
  /** Guest offset of the selected block. */
  readonly selected: number | null;
  /** The cell of the map around the selected block, with what else is in it. */
  readonly cell: Cell | undefined;
  readonly inspected: Inspected;
  readonly sight: MapSight | undefined;
  readonly table: boolean;
  /** Share of the layers' tables that has been read, while it grows. */
  readonly progress: number;
  /** Something that went wrong and is worth a line. */
  readonly notice: string | undefined;
}

export const INITIAL: State = {
  page: { kind: 'loading' },
  summary: undefined,
  names: [],
  picked: null,
  selected: null,
  cell: undefined,
  inspected: { kind: 'nothing' },
  sight: undefined,
  table: false,
  progress: 0,
  notice: undefined,
};

/** What outlives the page: VS Code drops a hidden editor's page and makes it anew. */
export interface Saved {
  readonly version: 1;
  readonly path: string;
  readonly standpoint: Standpoint;
  readonly view: SavedView | undefined;
  readonly selected: number | null;
  readonly picked: number | null;
  readonly table: boolean;
}

/** What the parts of the page may ask for. */
export interface Actions {
  pick(depth: number | null): void;
  /** Moves the standpoint: the disk as of a layer or an internal snapshot. */
  look(standpoint: Standpoint): void;
  /** Goes to one older (1) or newer (-1) state. */
  travel(by: 1 | -1): void;
  select(offset: number | null): Promise<void>;
  /** Selects the first block in the cell that a layer holds as a kind. */
  selectPart(cell: Cell, owner: number, kind: number): void;
  openLayer(path: string): void;
  allow(path: string): void;
  showProblems(): void;
  goTo(): void;
  exportMap(): void;
  refresh(): void;
  openAsRaw(): void;
  openAsText(): void;
  toggleTable(): void;
  zoom(by: number): void;
  wholeDisk(): void;
  /** Enlarges until the selected block has a cell of its own. */
  closeUp(): void;
  moreBytes(): void;
  copy(text: string, what: string): void;
}
