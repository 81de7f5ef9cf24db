import { Kind } from '../core/model';
import type { GuestRange } from '../core/model';
import type { ImageSummary, OpenResult, ReadReply, Standpoint } from '../protocol/image';
import type { HostEvents } from '../protocol/webview';
import { comparisonLeft, news, outdates, sameComparison } from './announcements';
import { Centre } from './centre';
import type { Rgb } from './color';
import { fill, h } from './dom';
import { FilePane } from './filepane';
import { nextFrame } from './frame';
import { Header } from './header';
import { HostActions } from './hostactions';
import { wireOf } from './host';
import type { Host } from './host';
import { Inspector, MOST_BYTES } from './inspector';
import type { Seen } from './legend';
import type { MarkedPixels, Part } from './map/cells';
import { MapView } from './map/mapview';
import type { Cell, MapSight } from './map/mapview';
import { Overview } from './map/overview';
import { unitOf } from './map/scale';
import { findBlock, PixelSource } from './map/source';
import { layerNames } from './names';
import { PreviewBar } from './previewbar';
import { failedPage, notAnImagePage } from './pages';
import { chainColors } from './palette';
import type { Palette } from './palette';
import { blockSentence, cellSentence } from './sentences';
import { Stack } from './stack';
import { INITIAL } from './state';
import type { Actions, Face, Saved, State } from './state';
import { StatusLine } from './status';
import { Store } from './store';
import { fileLayer, places, samePlace } from './summary';
import { LayerTable } from './table';
import { diskTelling, fileTelling } from './telling';
import { Tooltip } from './tooltip';
import { USE_PATTERNS } from './uses';

const FIRST_BYTES = 64;
const MORE_BYTES = 4;
const SAVE_MS = 150;
const ANNOUNCE_MS = 250;
const COMPARISON_LEFT = 'The comparison was of another state and has ended';
/** Windows this narrow have everything below each other, and still narrower ones have the table alone. */
const ONE_COLUMN = '(max-width: 759px)';
const TABLE_ALONE = '(max-width: 419px)';

export interface Memory {
  get(): Saved | undefined;
  set(saved: Saved): void;
}

/** The page: holds its state, draws it, and carries out what its parts ask for. */
export class App extends HostActions implements Actions {
  private readonly store = new Store<State>(INITIAL);
  private readonly source: PixelSource;
  private readonly map: MapView;
  private readonly file: FilePane;
  private readonly overview: Overview;
  private readonly header: Header;
  private readonly preview: PreviewBar;
  private readonly stack: Stack;
  private readonly inspector: Inspector;
  private readonly table: LayerTable;
  private readonly centre: Centre;
  private readonly status = new StatusLine();
  private readonly tooltip = new Tooltip();
  private readonly live = h('div', { class: 'sr-only', attributes: { 'role': 'status', 'aria-live': 'polite' } });
  private readonly columns: HTMLElement;
  private readonly changed = new Set<keyof State>();
  private palette: Palette | undefined;
  private colors: readonly Rgb[] = [];
  private shownPage: State['page'] | undefined;
  private seen: Seen & { readonly from: MarkedPixels | undefined } = {
    from: undefined, invalid: false, damaged: false, unknown: true,
  };
  private byteCount = FIRST_BYTES;
  private inspection = 0;
  /** Where the disk is to be looked at from, while that is on its way. */
  private headedFor: Standpoint | undefined;
  private told: string | undefined;
  /** What came of work, until it is announced. */
  private news: string | undefined;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private announcing: ReturnType<typeof setTimeout> | undefined;
  private readonly job = (): undefined => this.draw();
  private readonly failed = (error: unknown): void => this.store.set({ notice: wireOf(error).message });

  constructor(private readonly root: HTMLElement, private readonly host: Host, private readonly memory: Memory) {
    super((action) => host.emit('action', action));
    this.source = new PixelSource(
      (request) => host.call('pixels', request),
      () => this.pixelsChanged(),
      this.failed,
    );
    this.map = new MapView(this.source, {
      sight: (sight) => this.sightChanged(sight),
      hover: (cell, point) => this.tell(cell, point),
      choose: (cell, part) => this.choose(cell, part),
    });
    this.file = new FilePane(host, this.store, {
      drawn: () => this.pixelsChanged(),
      hover: (cell, point) => this.tell(cell, point),
      failed: this.failed,
    });
    this.overview = new Overview({
      center: (byte) => this.front.center(byte),
      scroll: (pages) => this.front.scroll(pages * this.front.canvas.clientHeight),
    });
    this.header = new Header(this);
    this.preview = new PreviewBar(this);
    this.stack = new Stack(this);
    this.inspector = new Inspector(this);
    this.table = new LayerTable(this);
    this.centre = new Centre({ disk: this.map, file: this.file.map }, this.overview, this.tooltip, this);
    this.columns = h(
      'main', 'columns', this.stack.element, this.centre.element, this.table.element, this.inspector.element,
    );
    this.store.subscribe((_state, changed) => {
      for (const key of changed) this.changed.add(key);
      nextFrame(this.job);
    });
    document.addEventListener('keydown', (event) => this.key(event));
    addEventListener('resize', () => this.drawAll());
    addEventListener('blur', () => this.save()); // what takes the focus may close the page next
  }

  private get state(): Readonly<State> {
    return this.store.get();
  }

  /** Asks the host what to show, and shows it. */
  async start(): Promise<void> {
    const { host } = this;
    host.on('opened', (result) => this.opened(result));
    host.on('changed', (summary) => this.setSummary(summary));
    host.on('progress', ({ done, total }) => this.store.set({ progress: total > 0 ? done / total : 0 }));
    host.on('working', (working) => this.working(working));
    host.on('goTo', ({ offset, trace }) => this.goToOffset(offset, trace));
    host.on('pickLayer', ({ depth }) => this.store.set({ picked: depth }));
    host.on('overlays', ({ count }) => this.setOverlays(count));
    try {
      const result = await host.call('ready', { standpoint: this.memory.get()?.standpoint ?? null });
      this.restore(result);
      this.opened(result);
    } catch (error) {
      this.store.set({ page: { kind: 'failed', error: wireOf(error) } });
    }
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.map.setPalette(palette);
    this.file.setPalette(palette);
    this.overview.setPalette(palette);
    this.recolor();
    this.showOnMap();
    this.drawAll();
  }

  private recolor(): void {
    const { summary } = this.state;
    if (this.palette && summary) this.colors = chainColors(summary, this.palette.stops);
  }

  // ---- what the host says -------------------------------------------------------------------

  private opened(result: OpenResult): void {
    if (result.kind !== 'image') {
      this.store.set({ page: result });
      return;
    }
    this.store.set({ page: { kind: 'image' }, notice: undefined });
    this.setSummary(result.summary);
  }

  private setSummary(summary: ImageSummary): void {
    const before = this.state.summary;
    const { picked, selected, progress, overlays } = this.state;
    const ended = summary.scan !== 'running';
    this.store.set({
      summary,
      names: layerNames(summary.layers, summary.end.kind, overlays),
      picked: picked !== null && picked < summary.layers.length && picked >= summary.standpoint.depth ? picked : null,
      selected: selected !== null && selected < summary.guestSize ? selected : null,
      progress: ended ? 0 : progress,
      ...(sameComparison(before, summary) ? {} : { difference: undefined }),
      ...(before && comparisonLeft(before, summary) ? { notice: COMPARISON_LEFT } : {}),
    });
    // Its words are of what was shown; where the pointer still rests, the next painting writes it anew.
    if (!before || outdates(before, summary)) this.tooltip.hide();
    const told = before && news(before, summary);
    if (told !== undefined) {
      this.news = told;
      this.announce();
    }
    this.recolor();
    this.showOnMap();
    if (before?.generation !== summary.generation || !samePlace(before.standpoint, summary.standpoint)) {
      void this.inspect();
    }
  }

  private setOverlays(overlays: number): void {
    const { summary } = this.state;
    this.store.set({
      overlays, ...(summary && { names: layerNames(summary.layers, summary.end.kind, overlays) }),
    });
  }

  private working({ work, depth, share }: HostEvents['working']): void {
    if (work !== 'check') return;
    this.store.set({ checking: share === null || depth === undefined ? undefined : { depth, share } });
  }

  private goToOffset(offset: number, trace: boolean): void {
    const { summary } = this.state;
    if (!summary || offset < 0 || offset >= summary.guestSize) {
      this.store.set({ notice: 'That offset lies past the end of the disk' });
      return;
    }
    this.turnTo('disk');
    const inspected = this.select(offset);
    const narrow = matchMedia(ONE_COLUMN).matches;
    if (trace) this.inspector.focus();
    else this.map.canvas.focus({ preventScroll: narrow });
    // In one column the answer stands below the map; it has its full height once it is drawn.
    if (narrow) void inspected.then(() => nextFrame(() => {
      this.inspector.reveal();
      return undefined;
    }));
  }

  // ---- what outlives the page ---------------------------------------------------------------

  private restore(result: OpenResult): void {
    const saved = this.memory.get();
    if (result.kind !== 'image' || saved?.version !== 1 || saved.path !== result.summary.path) return;
    this.store.set({
      picked: saved.picked, selected: saved.selected, table: saved.table, face: saved.face ?? 'disk',
    });
    this.map.restore(saved.view);
  }

  private remember(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), SAVE_MS);
  }

  private save(): void {
    clearTimeout(this.saving);
    const { summary, selected, picked, table, face } = this.state;
    if (!summary) return;
    this.memory.set({
      version: 1, path: summary.path, standpoint: summary.standpoint, view: this.map.save(), selected, picked, table,
      face,
    });
  }

  // ---- the map ------------------------------------------------------------------------------

  private showOnMap(): void {
    const { summary, picked, selected } = this.state;
    if (!summary) return;
    this.map.show({
      disk: {
        size: summary.guestSize,
        unit: unitOf(summary.layers.slice(summary.standpoint.depth), summary.guestSize),
      },
      generation: summary.generation,
      colors: this.colors,
      pending: summary.scan === 'running',
      picked,
      comparing: comparing(summary),
      selected,
    });
    this.file.show();
    this.showOverview();
  }

  private showOverview(): void {
    const { summary, picked, sight, face, file } = this.state;
    if (!summary) return;
    if (face === 'file') {
      const size = fileLayer(this.state)?.check?.fileEnd ?? 0;
      this.overview.show({
        size, colors: this.file.colors, patterns: USE_PATTERNS, picked: null, comparing: false, pending: false,
        window: { start: file.sight?.start ?? 0, end: file.sight?.end ?? size },
      }, this.file.source.overview());
      return;
    }
    this.overview.show({
      size: summary.guestSize,
      colors: this.colors,
      picked,
      comparing: comparing(summary),
      pending: summary.scan === 'running',
      window: { start: sight?.start ?? 0, end: sight?.end ?? summary.guestSize },
    }, this.source.overview());
  }

  private pixelsChanged(): void {
    // The overview alone tells whether anything is broken, and the legend must not wait for another reason to be drawn.
    const before = this.seen;
    const seen = this.seenSomewhere();
    if ((['invalid', 'damaged', 'unknown'] as const).some((what) => seen[what] !== before[what])) this.updateCentre();
    this.map.repaint();
    this.showOverview();
    // The map looks at the new cells when it paints; what is said of them follows one frame later.
    nextFrame(() => {
      this.refreshCell();
      this.file.refreshCell();
      nextFrame(this.job);
      return undefined;
    });
  }

  private sightChanged(sight: MapSight): void {
    this.store.set({ sight });
    this.showOverview();
    this.refreshCell();
    this.remember();
  }

  private refreshCell(): void {
    const { selected, cell } = this.state;
    const fresh = selected === null ? undefined : this.map.cellOf(selected);
    if (JSON.stringify(fresh) !== JSON.stringify(cell)) this.store.set({ cell: fresh });
  }

  private tell(cell: Cell | undefined, point: { x: number; y: number }): void {
    const { names, face, summary } = this.state;
    if (!cell || cell.parts.length === 0) this.tooltip.hide();
    else this.tooltip.show(cell, point, face === 'file' ? fileTelling(this.file.colors)
      : diskTelling(names, this.colors, summary?.scan === 'running'));
  }

  private choose(cell: Cell, part: Part | undefined): void {
    if (part && cell.parts.length > 1) {
      this.selectPart(cell, part.owner, part.kind);
      return;
    }
    void this.select(cell.start, cell);
  }

  // ---- the inspector ------------------------------------------------------------------------

  /** Traces the selected block and reads its first bytes; only the latest question is answered. */
  private async inspect(): Promise<void> {
    this.inspection += 1;
    const question = this.inspection;
    const offset = this.state.selected;
    if (offset === null) {
      this.store.set({ inspected: { kind: 'nothing' } });
      return;
    }
    const read = this.host.call('read', { offset, length: this.byteCount })
      .catch((error: unknown): { error: string } => ({ error: wireOf(error).message }));
    try {
      const [reply, bytes] = await Promise.all([this.host.call('trace', { offset }), read]);
      if (question !== this.inspection) return;
      this.store.set({ inspected: { kind: 'block', reply, bytes: bytes satisfies ReadReply | { error: string } } });
      const { names, summary } = this.state;
      this.announce(blockSentence(reply.trace, names, summary?.layers ?? []));
    } catch (error) {
      if (question === this.inspection) this.store.set({ inspected: { kind: 'failed', error: wireOf(error) } });
    }
  }

  /** Says what is new, and what is said of the selected block. */
  private announce(block?: string): void {
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => {
      const { cell, names } = this.state;
      const also = block !== undefined && cell && cell.parts.length > 1 ? [`Cell ${cellSentence(cell, names)}`] : [];
      this.live.textContent = [this.news, block, ...also].filter(Boolean).join(' ');
      this.news = undefined;
    }, ANNOUNCE_MS);
  }

  private tellSelection(): void {
    const { selected, picked, inspected } = this.state;
    const owner = inspected.kind === 'block' && inspected.reply.trace.owner >= 0 ? inspected.reply.trace.owner : null;
    const selection = { offset: selected, layer: picked ?? (selected === null ? null : owner), picked };
    const text = JSON.stringify(selection);
    if (text === this.told) return;
    this.told = text;
    this.host.emit('selection', selection);
  }

  // ---- drawing ------------------------------------------------------------------------------

  private drawAll(): void {
    for (const key of Object.keys(INITIAL) as (keyof State)[]) this.changed.add(key);
    nextFrame(this.job);
  }

  private draw(): undefined {
    const state = this.state;
    const changed = new Set(this.changed);
    this.changed.clear();
    const any = (...keys: (keyof State)[]): boolean => keys.some((key) => changed.has(key));
    if (changed.has('page') && this.shownPage !== state.page) this.showPage(state);
    if (state.page.kind !== 'image' || !state.summary) return;
    const file = any('face', 'file');
    if (file || any('picked', 'selected')) this.showOnMap();
    if (any('summary', 'names', 'table', 'picked', 'checking')) this.header.update(state);
    if (any('summary', 'names')) this.preview.update(state);
    if (any('summary', 'names', 'overlays', 'picked', 'checking')) this.stack.update(state, this.colors);
    if (file || any('summary', 'names', 'sight', 'progress', 'picked', 'checking', 'difference')) this.updateCentre();
    if (any('summary', 'names', 'picked', 'table')) this.table.update(state, this.colors, this.tableShown());
    if (file || any('inspected', 'cell', 'names', 'selected', 'picked', 'summary')) {
      this.inspector.update(state, this.colors, this.file.colors);
    }
    if (file || any('sight')) this.inspector.follow(state);
    if (file || any('selected', 'inspected', 'sight', 'summary', 'notice')) this.status.update(state);
    if (any('picked', 'selected', 'inspected')) this.tellSelection();
    if (any('summary', 'picked', 'selected', 'table', 'face')) this.remember();
    this.columns.classList.toggle('with-table', state.table);
  }

  private showPage({ page }: State): void {
    const before = this.shownPage;
    this.shownPage = page;
    if (page.kind === 'image') {
      // An image that was read again stays as it is: taken out and put back, it would lose the focus and its scrolling.
      if (before?.kind === 'image') return;
      fill(this.root, this.header.element, this.preview.element, this.columns, this.status.element, this.live);
    } else if (page.kind === 'not-an-image') fill(this.root, notAnImagePage(page.what, this));
    else if (page.kind === 'failed') fill(this.root, failedPage(page.error, page.size, page.head, this));
  }

  private tableShown(): boolean {
    return this.state.table || matchMedia(TABLE_ALONE).matches;
  }

  private updateCentre(): void {
    this.centre.update(this.state, this.colors, this.file.colors, this.seenSomewhere());
  }

  /** What the picture of the whole that is shown has somewhere. */
  private seenSomewhere(): Seen {
    const from = (this.state.face === 'file' ? this.file.source : this.source).overview();
    if (this.seen.from !== from) {
      this.seen = {
        from,
        invalid: from?.kind.includes(Kind.Invalid) ?? false,
        damaged: from?.damaged?.some((bytes) => bytes > 0) ?? false,
        unknown: from?.kind.includes(Kind.Unknown) ?? true,
      };
    }
    return this.seen;
  }

  // ---- keys ---------------------------------------------------------------------------------

  private key(event: KeyboardEvent): void {
    const { target } = event;
    const typing = target instanceof HTMLSelectElement || target instanceof HTMLInputElement;
    if (event.defaultPrevented || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.state.page.kind !== 'image') return;
    // Where nothing that has a use for the key has the focus, the map is meant.
    if (this.leavesKeysToMap(event) && this.front.key(event)) {
      event.preventDefault();
      this.front.canvas.focus();
      return;
    }
    const act = this.keyAction(event, target === this.front.canvas);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** Arrows are the map's, unless they scroll what has the focus; the other keys of movement only without a focus. */
  private leavesKeysToMap({ target, key }: KeyboardEvent): boolean {
    if (target === document.body || target === document.documentElement) return true;
    return key.startsWith('Arrow') && target instanceof HTMLButtonElement && !this.inspector.element.contains(target);
  }

  private keyAction({ key, shiftKey }: KeyboardEvent, onMap: boolean): (() => void) | undefined {
    switch (key) {
      case '+': case '=': return () => this.zoom(1);
      case '-': case '_': return () => this.zoom(-1);
      case '0': return () => this.wholeDisk();
      case '[': return () => this.travel(1);
      case ']': return () => this.travel(-1);
      case 'g': case 'G': return () => this.goTo();
      case 't': case 'T': return () => this.inspector.focus();
      case 'f': case 'F': return () => this.changeFace();
      case 'n': case 'N': return () => this.difference(shiftKey ? -1 : 1);
      case 'Enter': return onMap ? () => this.closeUp() : undefined;
      case 'Escape': return () => this.escape();
      default: return undefined;
    }
  }

  /** Undoes one thing at a time: what is picked out, then what is selected. */
  private escape(): void {
    if (this.inspector.element.contains(document.activeElement)) this.centre.focus();
    const { face, file } = this.state;
    if (face === 'file' && file.selected !== null) void this.file.select(null);
    else if (this.state.picked !== null) this.store.set({ picked: null });
    else void this.select(null);
  }

  // ---- actions ------------------------------------------------------------------------------

  pick(depth: number | null): void {
    const { picked, summary } = this.state;
    if (depth !== null && summary && depth < summary.standpoint.depth) {
      this.look({ depth, view: '' });
      return;
    }
    this.store.set({ picked: picked === depth ? null : depth });
  }

  /** @param then a place to select once it is looked at from there */
  look(standpoint: Standpoint, then?: number): void {
    this.headedFor = standpoint;
    this.store.set({ picked: null }); // what was picked out there would hide what one comes to see
    const isLatest = (): boolean => this.headedFor === standpoint;
    this.host.call('look', standpoint).then(
      (summary) => {
        if (!isLatest()) return;
        this.setSummary(summary);
        if (then !== undefined) this.goToOffset(then, false);
      },
      this.failed,
    ).finally(() => {
      if (isLatest()) this.headedFor = undefined;
    });
  }

  travel(by: 1 | -1): void {
    const { summary, names } = this.state;
    if (!summary) return;
    const all = places(summary, names);
    const from = this.headedFor ?? summary.standpoint;
    const now = all.findIndex((place) => samePlace(place, from));
    const next = all[now + by];
    if (next) this.look({ depth: next.depth, view: next.view });
  }

  /** Resolves once what is known of the block is there. */
  async select(offset: number | null, cell?: Cell): Promise<void> {
    if (offset !== null) this.map.reveal(offset);
    if (offset === this.state.selected) return;
    this.byteCount = FIRST_BYTES;
    this.store.set({ selected: offset, notice: undefined });
    this.showOnMap(); // at once: the next key counts from here, and may come before the next frame
    this.store.set({ cell: offset === null ? undefined : (cell ?? this.map.cellOf(offset)) });
    await this.inspect();
  }

  selectPart(cell: Cell, owner: number, kind: number): void {
    const { summary } = this.state;
    if (!summary) return;
    const unit = unitOf(summary.layers.slice(summary.standpoint.depth), summary.guestSize);
    findBlock((request) => this.host.call('pixels', request), { ...cell, unit }, { owner, kind }).then(
      (offset) => this.select(offset ?? cell.start, cell),
      () => this.select(cell.start, cell),
    );
  }

  closeUp(): void {
    const { selected, face, file } = this.state;
    const place = face === 'file' ? file.selected : selected;
    if (place !== null) this.front.close(place);
  }

  moreBytes(): void {
    this.byteCount = Math.min(this.byteCount * MORE_BYTES, MOST_BYTES);
    void this.inspect();
  }

  zoom(by: number): void {
    this.front.zoomBy(by);
  }

  wholeDisk(): void {
    this.front.wholeDisk();
  }

  private get front(): MapView {
    return this.state.face === 'file' ? this.file.map : this.map;
  }

  show(face: Face): void {
    this.turnTo(face);
  }

  private turnTo(face: Face): void {
    if (face === this.state.face) return;
    this.front.leave();
    this.store.set({ face });
    this.showOnMap();
    this.updateCentre(); // at once: what takes the focus next must be there
  }

  /** By key: the focus goes along, where it was on what is no longer shown. */
  private changeFace(): void {
    const { activeElement } = document;
    const follows = activeElement === null || activeElement === document.body || activeElement === this.front.canvas
      || this.centre.holds(activeElement);
    this.turnTo(this.state.face === 'file' ? 'disk' : 'file');
    if (follows) this.centre.focus();
  }

  check(depth?: number): void {
    const layer = depth ?? fileLayer(this.state)?.depth;
    if (layer !== undefined) this.host.emit('action', { action: 'check', depth: layer });
  }

  selectFilePart(cell: Cell, owner: number, kind: number): void {
    this.file.selectPart(cell, owner, kind).catch(this.failed);
  }

  showInFile(depth: number, offset: number): void {
    const { summary } = this.state;
    if (!summary?.layers[depth]?.check) return;
    if (fileLayer(this.state)?.depth !== depth) this.store.set({ picked: depth });
    this.turnTo('file');
    this.file.select(offset).catch(this.failed);
  }

  showGuest(depth: number, { view, start }: GuestRange): void {
    const { standpoint } = this.state.summary ?? {};
    if (!standpoint) return;
    const seen = depth === standpoint.depth ? view === standpoint.view : depth > standpoint.depth && view === '';
    if (seen) this.goToOffset(start, false);
    else this.look({ depth, view }, start);
  }

  difference(by: 1 | -1): void {
    const { summary, selected } = this.state;
    if (!summary?.comparison || summary.comparison.ranges === 0) return;
    this.host.call('difference', { from: selected ?? (by === 1 ? -1 : summary.guestSize), by }).then((difference) => {
      if (!difference) return;
      this.store.set({ difference });
      this.turnTo('disk');
      void this.select(difference.start);
    }, this.failed);
  }

  toggleTable(): void {
    this.store.set({ table: !this.state.table });
  }

  copy(text: string, what: string): void {
    this.host.call('copy', { text, what }).catch(this.failed);
  }
}

/** What does not differ fades, once there is something that does. */
const comparing = ({ comparison }: ImageSummary): boolean => (comparison?.ranges ?? 0) > 0;
