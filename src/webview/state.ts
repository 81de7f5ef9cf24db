import type { WireError } from '../core/errors';
import type { GuestRange } from '../core/model';
import type {
  DifferenceReply, ImageSummary, NotAnImage, ReadReply, Standpoint, TraceReply,
} from '../protocol/image';
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

/** Which of the two maps is shown: of the guest's disk, or of a layer's own file. */
export type Face = 'disk' | 'file';

/** What is known of the file whose map is shown, or was last. */
export interface FileState {
  readonly path: string | undefined;
  /** Offset in the file of the selected place. */
  readonly selected: number | null;
  /** What that place is used for, a `Use` or NOBODY, once known. */
  readonly use: number | undefined;
  readonly cell: Cell | undefined;
  readonly sight: MapSight | undefined;
}

export interface State {
  readonly page: Page;
  readonly summary: ImageSummary | undefined;
  /** What each layer is called, newest first. */
  readonly names: readonly string[];
  /** How many images are known to stand on the one that is open. */
  readonly overlays: number;
  readonly picked: number | null;
  /** Guest offset of the selected block. */
  readonly selected: number | null;
  /** The cell of the map around the selected block, with what else is in it. */
  readonly cell: Cell | undefined;
  readonly inspected: Inspected;
  readonly sight: MapSight | undefined;
  readonly table: boolean;
  readonly face: Face;
  readonly file: FileState;
  /** The layer that is being checked, and how far that is, 0 … 1. */
  readonly checking: { readonly depth: number; readonly share: number } | undefined;
  /** The difference that was gone to last. */
  readonly difference: DifferenceReply | undefined;
  /** Share of the layers' tables that has been read, while it grows. */
  readonly progress: number;
  /** Something that went wrong and is worth a line. */
  readonly notice: string | undefined;
}

export const INITIAL: State = {
  page: { kind: 'loading' },
  summary: undefined,
  names: [],
  overlays: 0,
  picked: null,
  selected: null,
  cell: undefined,
  inspected: { kind: 'nothing' },
  sight: undefined,
  table: false,
  face: 'disk',
  file: { path: undefined, selected: null, use: undefined, cell: undefined, sight: undefined },
  checking: undefined,
  difference: undefined,
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
  readonly face?: Face;
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
  /** Selects the first cluster in the cell of a file's map that is used like that. */
  selectFilePart(cell: Cell, owner: number, kind: number): void;
  openLayer(path: string): void;
  allow(path: string): void;
  /** Asks where the parent is that the chain lacks. */
  relocateParent(): void;
  diagnose(): void;
  commitPreview(): void;
  undoPreview(): void;
  showProblems(): void;
  goTo(): void;
  /** Asks what: the disk as one image, or its map. */
  export(): void;
  compare(): void;
  endComparison(): void;
  /** Goes to the next (1) or previous (-1) difference. */
  difference(by: 1 | -1): void;
  /** Checks the file of a layer; without one of that whose file is shown, or would be. */
  check(depth?: number): void;
  cancelCheck(): void;
  show(face: Face): void;
  /** Selects a place in the file of a layer. */
  showInFile(depth: number, offset: number): void;
  /** Selects a place of the disk, in the state of a layer in which it is meant. */
  showGuest(depth: number, range: GuestRange): void;
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
