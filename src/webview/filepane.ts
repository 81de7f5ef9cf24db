import type { Rgb } from './color';
import type { Host } from './host';
import type { Part } from './map/cells';
import { MapView } from './map/mapview';
import type { Cell } from './map/mapview';
import { findBlock, PixelSource } from './map/source';
import { useColors, USE_PATTERNS, drawnAsUses } from './uses';
import type { Palette } from './palette';
import type { PixelReply, PixelRequest } from '../protocol/image';
import type { FileState, State } from './state';
import type { Store } from './store';
import { fileLayer } from './summary';

export interface FilePaneEvents {
  /** The picture of the whole file is there, or a newer one. */
  drawn(): void;
  hover(cell: Cell | undefined, point: { x: number; y: number }): void;
  failed(error: unknown): void;
}

/** The other map: what lies where in the file of one layer, and what is selected there. */
export class FilePane {
  readonly map: MapView;
  readonly source: PixelSource;
  /** By `Use`. */
  colors: readonly Rgb[] = [];
  /** The generation of which the use of the selected place was asked. */
  private asked = -1;

  constructor(private readonly host: Host, private readonly store: Store<State>, events: FilePaneEvents) {
    this.source = new PixelSource((request) => this.fetch(request), () => {
      this.map.repaint();
      events.drawn();
    }, (error) => events.failed(error));
    this.map = new MapView(this.source, {
      sight: (sight) => {
        this.patch({ sight });
        this.refreshCell();
      },
      hover: (cell, point) => events.hover(cell, point),
      choose: (cell, part) => this.choose(cell, part),
    });
    this.map.canvas.classList.add('of-file');
  }

  setPalette(palette: Palette): void {
    this.colors = useColors(palette);
    this.map.setPalette(palette);
  }

  /** Draws the file of the layer that the state tells, where it was checked. */
  show(): void {
    const state = this.store.get();
    const layer = fileLayer(state);
    if (state.face !== 'file' || !state.summary || !layer?.check) return;
    if (state.file.path !== layer.path) {
      this.store.set({ file: { path: layer.path, selected: null, use: undefined, cell: undefined, sight: undefined } });
    }
    const { generation } = state.summary;
    // Read anew, the file may hold something else there.
    if (generation !== this.asked) this.askUse().catch(() => this.patch({ use: undefined }));
    this.asked = generation;
    this.map.show({
      disk: { size: layer.check.fileEnd, unit: layer.grain, file: layer.path },
      generation,
      colors: this.colors,
      patterns: USE_PATTERNS,
      pending: false,
      picked: null,
      comparing: false,
      selected: this.store.get().file.selected,
    });
  }

  /** Selects the cluster at a place of the file, and asks what it is used for. */
  async select(offset: number | null, cell?: Cell): Promise<void> {
    const layer = fileLayer(this.store.get());
    if (!layer?.check) return;
    if (offset !== null && offset >= layer.check.fileEnd) return;
    if (offset !== null) this.map.reveal(offset);
    this.patch({
      selected: offset, use: undefined, cell: offset === null ? undefined : (cell ?? this.map.cellOf(offset)),
    });
    this.show();
    await this.askUse();
  }

  /** Asks what the selected cluster is used for. */
  private async askUse(): Promise<void> {
    const state = this.store.get();
    const { selected } = state.file;
    const layer = fileLayer(state);
    if (selected === null || !layer) return;
    const start = Math.floor(selected / layer.grain) * layer.grain;
    const { pixels } = await this.fetch({ start, cellBytes: layer.grain, cells: 1 });
    if (this.store.get().file.selected === selected) this.patch({ use: pixels.owner[0] });
  }

  /** Selects the first cluster in the cell that is used like that. */
  async selectPart(cell: Cell, owner: number, kind: number): Promise<void> {
    const unit = fileLayer(this.store.get())?.grain ?? 1;
    const offset = await findBlock((request) => this.fetch(request), { ...cell, unit }, { owner, kind });
    await this.select(offset ?? cell.start, cell);
  }

  refreshCell(): void {
    const { selected, cell } = this.store.get().file;
    const fresh = selected === null ? undefined : this.map.cellOf(selected);
    if (JSON.stringify(fresh) !== JSON.stringify(cell)) this.patch({ cell: fresh });
  }

  private choose(cell: Cell, part: Part | undefined): void {
    const chosen = part && cell.parts.length > 1 ? this.selectPart(cell, part.owner, part.kind)
      : this.select(cell.start, cell);
    chosen.catch(() => this.patch({ use: undefined })); // the file was read anew: what lies there is asked again
  }

  private patch(change: Partial<FileState>): void {
    this.store.set({ file: { ...this.store.get().file, ...change } });
  }

  private async fetch(request: PixelRequest): Promise<PixelReply> {
    const file = fileLayer(this.store.get())?.depth ?? 0;
    const reply = await this.host.call('pixels', { ...request, file });
    return { ...reply, pixels: drawnAsUses(reply.pixels) };
  }
}
