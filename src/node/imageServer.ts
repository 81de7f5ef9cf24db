import type {
  CheckReport,
  Environment,
  Finding,
  LayerStory,
  OwnershipMap,
  Picture,
  Preview,
  Progress,
  Ranges,
} from '../core';
import { bytesPerCell, DiskError, fileOwners, NOW, pixels, Session, rangeBeside, toWire, unite } from '../core';
import type {
  CheckSummary,
  ComparisonSummary,
  DifferenceReply,
  ImageSummary,
  OpenResult,
  PixelReply,
  PixelRequest,
  ReadReply,
  Standpoint,
  TraceReply,
} from '../protocol/image';
import type {
  CompareParams,
  FlattenParams,
  FlattenResult,
  GatePolicy,
  MapFormat,
  OpenParams,
  WorkerEvents,
  WorkName,
} from '../protocol/worker';
import { codecsReady } from './codecs';
import { compressorOf } from './compressors';
import { dismissHelper } from './crew/start';
import { createEnvironment } from './environment';
import { openDiskFile } from './diskFile';
import { openFile } from './files';
import { useOf, writtenMeanwhile } from './inUse';
import { openImage } from './openImage';
import { platformStories } from './stories';
import type { KeptPicture } from './scan/kept';
import { isOf, keepPicture, mergeResults, outdatedChunks } from './scan/kept';
import { scanPicture } from './scan/scanPicture';
import { seldom, StopToken } from './slices';
import type { ScanState } from './summary';
import { previewsAmong, summarizeSession } from './summary';
import { checkLayer, summarizeCheck } from './work/check';
import type { KeptComparison } from './work/compare';
import { compareWith } from './work/compare';
import { exportMap } from './work/exportMap';
import { flatten } from './work/flatten';
import { Works } from './work/works';

/** A scan that takes longer than this shows what it has so far, if anything, and again each time so much later. */
const FIRST_MS = 40;
const REFINE_MS = 150;
const MAX_READ = 1 << 20;

/** What is kept of a check, in the forms that pictures are drawn from again and again. */
interface KeptCheck {
  readonly summary: CheckSummary;
  /** What lies where in the layer's own file. */
  readonly file: OwnershipMap;
  /** What problems touch of it; leaks have a look of their own on its map. */
  readonly damaged: Ranges;
}

function keep(report: CheckReport): KeptCheck {
  const hosts = report.problems.flatMap(({ counts, host }) => (host && counts !== 'leak' ? [host] : []));
  return { summary: summarizeCheck(report), file: fileOwners(report.file), damaged: unite(hosts) };
}

const samePlace = (a: Standpoint, b: Standpoint): boolean => a.depth === b.depth && a.view === b.view;

type Emit = <N extends keyof WorkerEvents>(name: N, data: WorkerEvents[N]) => void;

/** One open image inside a worker: answers at once with what is known, and scans on between messages. */
export class ImageServer {
  private params: OpenParams | undefined;
  private environment: Environment | undefined;
  private session: Session | undefined;
  private picture: Picture | undefined;
  private state: ScanState = { generation: 0, scan: 'running' };
  private scanning = new StopToken();
  /** The last picture that was completed. */
  private kept: KeptPicture | undefined;
  private readonly works = new Works((work, { done, total }) => {
    this.emit('working', { work, done, total });
  });
  /** By depth, what checks of the layers found. */
  private readonly checks = new Map<number, KeptCheck>();
  /** By path, what platforms say of the layers. */
  private stories: ReadonlyMap<string, LayerStory> = new Map();
  /** By path, the layers that are the overlay of a preview. */
  private previews: ReadonlyMap<string, Preview> = new Map();
  /** Who has the newest layer open for writing. */
  private use: Finding | undefined;
  private comparison: KeptComparison | undefined;
  /** The comparison that was asked for last. */
  private asked: CompareParams | null = null;

  constructor(private readonly emit: Emit) {}

  open(params: OpenParams): OpenResult {
    const environment = createEnvironment(params.policy);
    const before = this.session;
    const opened = openImage(environment, params);
    before?.close();
    this.scanning.stop();
    // A check reads the files that were closed just now.
    this.works.cancel('check');
    this.checks.clear();
    this.dropComparison();
    this.params = params;
    this.environment = environment;
    this.session = undefined;
    if (opened.kind !== 'session') {
      dismissHelper();
      return opened;
    }
    this.session = opened.session;
    const layers = opened.session.chain.layers.map(({ identity }) => identity.path);
    this.stories = platformStories(layers, params.policy);
    this.previews = previewsAmong(layers);
    this.use = undefined;
    void this.lookForUse(opened.session);
    this.restoreStandpoint(opened.session, params.standpoint ?? NOW);
    this.startScan(opened.session);
    return { kind: 'image', summary: this.summary(opened.session) };
  }

  look(at: Standpoint): ImageSummary {
    const session = this.opened();
    if (!samePlace(at, session.standpoint)) this.dropComparison();
    session.stand(at);
    this.startScan(session);
    return this.summary(session);
  }

  pixels({ start, cellBytes, cells, file }: PixelRequest): PixelReply {
    const session = this.opened();
    const { generation } = this.state;
    const marks = (ranges: Ranges | undefined): Float64Array | undefined =>
      ranges && ranges.count > 0 ? bytesPerCell(ranges, start, cellBytes, cells) : undefined;
    if (file !== undefined) {
      const check = this.checks.get(file);
      if (!check)
        throw new DiskError('not-found', 'this layer was not checked: what lies where in its file is not known');
      return {
        generation,
        complete: true,
        pixels: pixels(check.file, start, cellBytes, cells),
        damaged: marks(check.damaged),
      };
    }
    const picture = this.pictureOf(session);
    return {
      generation,
      complete: picture.complete,
      pixels: picture.pixels(start, cellBytes, cells),
      different: marks(this.comparison?.result.different),
      damaged: marks(this.damaged(session)),
    };
  }

  trace(offset: number): TraceReply {
    return { generation: this.state.generation, trace: this.opened().trace(offset) };
  }

  async read(offset: number, length: number): Promise<ReadReply> {
    await codecsReady();
    const session = this.opened();
    const room = session.view.guestSize - offset;
    if (!(room > 0)) throw new DiskError('out-of-range', `byte ${offset} is past the end of the disk`);
    const bytes = new Uint8Array(Math.min(length, room, MAX_READ));
    return { offset, bytes, gaps: session.read(this.pictureOf(session), offset, bytes) };
  }

  exportMap(target: string, format: MapFormat): Promise<{ entries: number } | null> {
    return this.withOwnSession(async (session, policy) => {
      const entries = await this.works.watch('exportMap', (token, progress) =>
        exportMap(session, { format, target, policy, token, progress }),
      );
      return entries === null ? null : { entries };
    });
  }

  async check(depth: number): Promise<CheckSummary | null> {
    const session = this.opened();
    const report = await this.works.run('check', checkLayer(session, depth));
    if (!report || session !== this.session) return null;
    const kept = keep(report);
    this.checks.set(depth, kept);
    this.changed(session);
    return kept.summary;
  }

  /** @param other null puts a comparison away */
  async compare(other: CompareParams | null): Promise<ComparisonSummary | null> {
    const shown = this.opened();
    this.dropComparison();
    this.asked = other;
    if (other) {
      await codecsReady();
      // Put away, or asked for anew, before it began.
      if (this.asked !== other || shown !== this.session) return null;
      const { standpoint } = shown;
      const found = await this.withOwnSession((session) =>
        this.works.run('compare', compareWith(session, createEnvironment(other.policy), other)),
      );
      // What was found is about a place that may no longer be looked at.
      if (!found || shown !== this.session || !samePlace(standpoint, shown.standpoint)) return null;
      this.comparison = found;
    }
    this.changed(shown);
    return this.comparison?.summary ?? null;
  }

  difference(from: number, by: 1 | -1): DifferenceReply | null {
    const ranges = this.comparison?.result.different;
    const index = ranges ? rangeBeside(ranges, from, by) : -1;
    if (!ranges || index < 0) return null;
    return { start: ranges.start[index] ?? 0, end: ranges.end[index] ?? 0, index };
  }

  async flatten(params: FlattenParams): Promise<FlattenResult | null> {
    await codecsReady();
    const compressor = params.compression && (await compressorOf(params.compression));
    return this.withOwnSession((session, policy) =>
      this.works.run('flatten', flatten(session, { ...params, compressor, policy })),
    );
  }

  cancel(work: WorkName): void {
    this.works.cancel(work);
  }

  /**
   * Work that reads the whole disk has a session of its own: the one that is shown moves.
   * It stands where the shown one stood when the work began.
   */
  private async withOwnSession<T>(use: (session: Session, policy: GatePolicy) => Promise<T>): Promise<T> {
    const { params, environment } = this;
    const { chain, standpoint } = this.opened();
    if (!params || !environment) throw new Error('no image is open');
    const [leaf] = chain.layers;
    const opened = (params.forceRaw ? openFile : openDiskFile)(params.path, params.policy);
    const session = new Session(environment, opened, { format: leaf?.layer.format });
    try {
      session.stand(standpoint);
      return await use(session, params.policy);
    } finally {
      session.close();
    }
  }

  /** Also one that is under way: it is about what is no longer looked at. */
  private dropComparison(): void {
    this.comparison = undefined;
    this.works.cancel('compare');
  }

  private opened(): Session {
    if (!this.session) throw new Error('no image is open');
    return this.session;
  }

  private summary(session: Session): ImageSummary {
    const { comparison, stories, previews, use } = this;
    const checks = new Map([...this.checks].map(([depth, { summary }]) => [depth, summary]));
    return {
      ...summarizeSession(session, this.state, { checks, stories, previews, use }),
      ...(comparison && { comparison: comparison.summary }),
    };
  }

  /** What problems of the checked layers touch of the disk that is shown. */
  private damaged({ standpoint }: Session): Ranges | undefined {
    const ranges = [...this.checks].flatMap(([depth, { summary }]) => {
      const view = depth === standpoint.depth ? standpoint.view : '';
      const touched = summary.problems.flatMap(({ guest }) => guest);
      return depth < standpoint.depth ? [] : touched.filter((range) => range.view === view);
    });
    return ranges.length === 0 ? undefined : unite(ranges);
  }

  /** What is drawn changed, though the map did not. */
  private changed(session: Session): void {
    this.state = { ...this.state, generation: this.state.generation + 1 };
    this.emit('changed', this.summary(session));
  }

  private async lookForUse(session: Session): Promise<void> {
    const [leaf] = session.chain.layers;
    const use = leaf && writtenMeanwhile(await useOf(leaf.identity.path, false));
    if (!use || session !== this.session) return;
    this.use = use;
    this.changed(session);
  }

  /** The picture so far: before any layer is scanned, all of it unknown. */
  private pictureOf(session: Session): Picture {
    this.picture ??= session.newPicture();
    return this.picture;
  }

  /** After a file changed, a layer or snapshot may be gone: then the disk is looked at as it is now. */
  private restoreStandpoint(session: Session, at: Standpoint): void {
    try {
      session.stand(at);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  private startScan(session: Session): void {
    this.scanning.stop();
    this.scanning = new StopToken();
    const { kept } = this;
    const before = kept && isOf(kept, session) ? kept : undefined;
    // Half brought up to date it is of no use; what is shown of it until then was true a moment ago.
    this.kept = undefined;
    this.picture = before?.picture ?? session.newPicture();
    const { generation } = this.state;
    this.state = { generation: generation + 1, scan: 'running', accounting: before?.picture.accounting };
    void this.scan(session, this.scanning, before);
  }

  private async scan(session: Session, token: StopToken, before: KeptPicture | undefined): Promise<void> {
    const { params } = this;
    const picture = this.pictureOf(session);
    if (!params) return;
    let due = Date.now() + FIRST_MS;
    let shown = 0;
    const progress = seldom<Progress>((share) => {
      this.emit('progress', share);
      if (before || Date.now() < due || picture.known === shown) return;
      shown = picture.known;
      this.show(session, 'running');
      due = Date.now() + REFINE_MS;
    });
    try {
      const outdated = before && (await outdatedChunks(session, before, token));
      if (token.stopped) return;
      const found = await scanPicture({ session, picture, policy: params.policy, token, progress }, outdated);
      if (!found) return;
      const results = before && outdated ? mergeResults(before.results, found) : found;
      session.scanned(session.from, results);
      this.kept = keepPicture(session, picture, results);
      this.show(session, 'complete');
    } catch (error) {
      if (token.stopped) return;
      this.state = { ...this.state, scan: 'failed', scanError: toWire(error) };
      this.emit('changed', this.summary(session));
    }
  }

  private show(session: Session, scan: 'running' | 'complete'): void {
    this.state = {
      generation: this.state.generation + 1,
      scan,
      accounting: scan === 'complete' ? this.pictureOf(session).accounting : undefined,
    };
    this.emit('changed', this.summary(session));
  }
}
