import { basename, dirname } from 'node:path';
import { DiskError, oneLine } from '../../core/errors';
import type { LayerAccount } from '../../core/model';
import type { SurveyedImage, SurveyResult, UnusableImage } from '../../protocol/image';
import type { GatePolicy, WorkerCalls } from '../../protocol/worker';
import { pathKey } from '../paths';
import { candidateTest, walkCandidates } from './candidates';
import type { Candidate } from './candidates';
import { buildFamilies, nodePath, walk } from './families';
import type { FamilyNode, ImageNode } from './families';

/** Files asked of the worker at once: few enough that the tree fills while it looks. */
const BATCH = 64;
/** Parents of parents that lie outside the workspace, followed this far. */
const OUTSIDE_ROUNDS = 64;
/** While leaves are measured the tree is built anew no more often than this. */
const REBUILD_EVERY_MS = 200;

/** Whoever waits for an image looks for it this often. */
const SEEK_MS = 100;

type SurveyCalls = Pick<WorkerCalls, 'survey' | 'account'>;

export interface SurveyWorker {
  call<N extends keyof SurveyCalls>(name: N, params: SurveyCalls[N]['params']): Promise<SurveyCalls[N]['result']>;
  dispose(): void;
}

/** What the survey needs to know, asked anew for every run. */
export interface SurveyWorld {
  createWorker(): SurveyWorker;
  folders(): readonly string[];
  /** Files to look at wherever they lie: those open in an editor. */
  extra(): readonly string[];
  /** True for names that disk images have. */
  readonly isImage: (name: string) => boolean;
  exclude(): readonly string[];
  maxFiles(): number;
  policy(): GatePolicy;
  log(message: string): void;
  /** The families or the state changed. */
  changed(): void;
}

export type SurveyState = 'idle' | 'looking' | 'measuring';

/**
 * Looks through the workspace for images, then measures what each layer owns, leaf by leaf. Runs in a worker of its
 * own that lives as long as a run. What is known stays known while a new run goes on.
 */
export class Survey {
  families: readonly FamilyNode[] = [];
  state: SurveyState = 'idle';
  /** True when the limit left something out since the last full run began. */
  limited = false;
  /** True once a full run has come to its end. */
  complete = false;

  private readonly images = new Map<string, SurveyedImage>();
  /** By path: an image may be reached by other names than the one it is listed under. */
  private readonly ids = new Map<string, string>();
  private readonly unusable = new Map<string, UnusableImage>();
  private readonly accounts = new Map<string, { readonly stamp: string; readonly owned: Owned }>();
  /** What counts against the limit: a file that is looked at again does so once. */
  private readonly counted = new Set<string>();
  private readonly waiting = new Set<string>();
  /** Nodes that stand for a file, by the image's id and by path. */
  private readonly nodesById = new Map<string, FamilyNode>();
  private readonly nodesByPath = new Map<string, FamilyNode>();
  private current: Run | undefined;
  private lookingThrough = false;
  private rebuilt = 0;

  constructor(private readonly world: SurveyWorld) {}

  /** Looks at everything again. A run that goes on is stopped. @returns when all is known and measured, or stopped */
  async refresh(): Promise<void> {
    await this.start(true, async (run) => {
      this.counted.clear();
      this.limited = false;
      const before = [...this.images.keys(), ...this.unusable.keys()];
      await this.lookThrough(run);
      await this.ask(
        run,
        this.world.extra().filter((path) => !run.asked.has(path)),
      );
      await this.followParents(run);
      if (run.isStopped()) return;
      this.forget(before.filter((path) => !run.seen.has(path)));
      this.complete = true;
      await this.measure(run);
    });
  }

  /**
   * Looks at some files again: they changed, came or went. Of those that are not listed yet only what a full run would
   * look at as well. Waits for a run that goes on.
   */
  async update(paths: Iterable<string>): Promise<void> {
    for (const path of paths) this.waiting.add(path);
    if (this.current || this.waiting.size === 0) return;
    const changed = this.worthAsking([...this.waiting]);
    this.waiting.clear();
    if (changed.length === 0) return;
    await this.start(false, async (run) => {
      await this.ask(run, changed);
      if (run.isStopped()) return;
      this.forget(changed.filter((path) => !run.seen.has(path)));
      await this.followParents(run);
      await this.measure(run);
    });
  }

  /** Files that were found by looking through the workspace, and whose header was asked for. */
  get looked(): number {
    return this.counted.size;
  }

  /** The id of the image of that name, if it is listed. */
  idOf(path: string): string | undefined {
    return this.ids.get(pathKey(path));
  }

  find(path: string): FamilyNode | undefined {
    const id = this.idOf(path);
    return (id === undefined ? undefined : this.nodesById.get(id)) ?? this.nodesByPath.get(pathKey(path));
  }

  /**
   * Waits for a full run to come upon a file, and begins one where none goes on.
   * @returns undefined when the run came to its end without it, was stopped or failed
   */
  async seek(path: string): Promise<FamilyNode | undefined> {
    let begun = false;
    for (;;) {
      const node = this.find(path);
      if (node || this.complete) return node;
      if (this.lookingThrough) begun = true;
      else if (begun) return undefined;
      else if (this.state === 'idle') {
        begun = true;
        void this.refresh();
      }
      await new Promise((resolve) => setTimeout(resolve, SEEK_MS));
    }
  }

  /** Ends the run that goes on, if one does; what it has found stays. */
  stop(): void {
    this.current?.stop();
    this.current = undefined;
    this.lookingThrough = false;
    if (this.state !== 'idle') this.setState('idle');
  }

  private async start(full: boolean, work: (run: Run) => Promise<void>): Promise<void> {
    this.stop();
    const run = new Run(this.world);
    this.current = run;
    this.lookingThrough = full;
    this.setState('looking');
    try {
      await work(run);
    } catch (error) {
      if (!run.isStopped()) this.world.log(`Looking for images failed: ${oneLine(error)}`);
    } finally {
      run.stop();
    }
    if (this.current !== run) return;
    this.current = undefined;
    this.lookingThrough = false;
    this.rebuild('idle');
    await this.update([]);
  }

  private async lookThrough(run: Run): Promise<void> {
    const { world } = this;
    let batch: Candidate[] = [];
    const flush = async (): Promise<void> => {
      const group = batch;
      batch = [];
      const likely = group.filter((candidate) => candidate.likelihood !== 'neighbour');
      const found = await this.ask(run, this.within(likely.map(({ path }) => path)));
      const images = group.filter(({ likelihood, path }) => likelihood === 'image' || found.has(path));
      const beside = new Set(images.map(({ folder }) => folder));
      const neighbours = group.filter(({ likelihood, folder }) => likelihood === 'neighbour' && beside.has(folder));
      await this.ask(run, this.within(neighbours.map(({ path }) => path)));
    };
    for (const folder of world.folders()) {
      const options = { folder, isImage: world.isImage, exclude: world.exclude(), signal: run.signal };
      for await (const candidates of walkCandidates(options)) {
        batch.push(...candidates);
        if (batch.length >= BATCH) await flush();
        if (run.isStopped() || this.limited) return;
      }
    }
    await flush();
  }

  /** Listed files, those open in an editor, and new ones that a full run would ask about: within the limit. */
  private worthAsking(paths: readonly string[]): readonly string[] {
    const { world } = this;
    const extra = new Set(world.extra());
    const isKnown = (path: string): boolean => extra.has(path) || this.find(path) !== undefined;
    const known = paths.filter(isKnown);
    const candidate = candidateTest(world.folders(), { isImage: world.isImage, exclude: world.exclude() });
    const listed = new Set([...this.images.keys(), ...this.unusable.keys()].map(dirname));
    const fresh = paths.filter((path) => {
      const likely = isKnown(path) ? undefined : candidate(path);
      return likely && (likely.likelihood !== 'neighbour' || listed.has(likely.folder));
    });
    return [...known, ...this.within(fresh)];
  }

  /** As many of these files as the limit still allows. */
  private within(paths: readonly string[]): readonly string[] {
    const most = this.world.maxFiles();
    const allowed = paths.filter((path) => this.counted.has(path) || (this.looked < most && this.counted.add(path)));
    if (allowed.length < paths.length) this.limited = true;
    return allowed;
  }

  /** Asks about parents that lie where nobody looked. */
  private async followParents(run: Run): Promise<void> {
    for (let round = 0; round < OUTSIDE_ROUNDS && !run.isStopped(); round += 1) {
      const known = new Set([...this.images.values()].map(({ id }) => id));
      const paths = new Set<string>();
      for (const { parent } of this.images.values()) {
        if (parent?.kind === 'found' && !known.has(parent.id) && !run.asked.has(parent.path)) paths.add(parent.path);
      }
      if (paths.size === 0) return;
      await this.ask(run, [...paths]);
    }
  }

  /** @returns the paths that are images */
  private async ask(run: Run, paths: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (let at = 0; at < paths.length && !run.isStopped(); at += BATCH) {
      const batch = paths.slice(at, at + BATCH);
      const { images, unusable } = await run.survey(batch);
      for (const image of images) {
        this.forget([image.path]);
        this.images.set(image.path, image);
        found.add(image.path);
      }
      for (const each of unusable) {
        if (!this.isWorthTelling(each)) continue;
        this.forget([each.path]);
        this.unusable.set(each.path, each);
        found.add(each.path);
      }
      for (const path of found) run.seen.add(path);
      if (found.size > 0 && !run.isStopped()) this.rebuild(this.state);
    }
    return found;
  }

  /** An image by its content; or a file that has an image's name and can't be read, unless it is simply gone. */
  private isWorthTelling({ path, format, error }: UnusableImage): boolean {
    return format !== undefined || (error.code !== 'not-found' && this.world.isImage(basename(path)));
  }

  private forget(paths: Iterable<string>): void {
    for (const path of paths) {
      this.images.delete(path);
      this.unusable.delete(path);
    }
  }

  private async measure(run: Run): Promise<void> {
    this.rebuild('measuring');
    const leaves = [...walk(this.families)].filter((node): node is ImageNode => node.kind === 'image' && node.leaf);
    const paths = new Set(leaves.map(({ image }) => image.path));
    for (const path of this.accounts.keys()) if (!paths.has(path)) this.accounts.delete(path);
    for (const leaf of leaves) {
      if (run.isStopped()) return;
      const { path } = leaf.image;
      const stamp = stampOf(leaf);
      if (this.accounts.get(path)?.stamp === stamp) continue;
      const owned = await run.account(path);
      if (run.isStopped()) return;
      this.accounts.set(path, { stamp, owned });
      if (Date.now() - this.rebuilt > REBUILD_EVERY_MS) this.rebuild('measuring');
    }
  }

  private rebuild(state: SurveyState): void {
    this.ids.clear();
    for (const { id, path, parent } of this.images.values()) {
      if (parent?.kind === 'found') this.ids.set(pathKey(parent.path), parent.id);
      this.ids.set(pathKey(path), id);
    }
    const byId = new Map<string, Record<string, LayerAccount>>();
    for (const [leaf, { owned }] of this.accounts) {
      for (const { path, account } of owned) {
        const id = this.idOf(path);
        if (id !== undefined) byId.set(id, { ...byId.get(id), [leaf]: account });
      }
    }
    const images = [...this.images.values()].map((image) => ({ ...image, accounts: byId.get(image.id) }));
    this.families = buildFamilies({ images, unusable: [...this.unusable.values()] });
    this.nodesById.clear();
    this.nodesByPath.clear();
    for (const node of walk(this.families)) {
      const path = nodePath(node);
      if (node.kind === 'image') this.nodesById.set(node.image.id, node);
      else if (STEMS.has(node.kind) && path !== undefined) this.nodesByPath.set(pathKey(path), node);
    }
    this.rebuilt = Date.now();
    this.setState(state);
  }

  private setState(state: SurveyState): void {
    this.state = state;
    this.world.changed();
  }
}

/** Nodes that stand for a file without being a surveyed image. */
const STEMS: ReadonlySet<FamilyNode['kind']> = new Set<FamilyNode['kind']>(['broken', 'unusable', 'unlisted']);

type Owned = SurveyCalls['account']['result'];

const NOTHING: SurveyResult = { images: [], unusable: [] };

/** One run: its worker, and what it has asked. */
class Run {
  /** Paths that stand in the tree. */
  readonly seen = new Set<string>();
  readonly asked = new Set<string>();
  private readonly controller = new AbortController();
  private worker: SurveyWorker | undefined;

  constructor(private readonly world: SurveyWorld) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Asked anew after every wait. */
  isStopped(): boolean {
    return this.controller.signal.aborted;
  }

  stop(): void {
    this.controller.abort();
    this.endWorker();
  }

  /** A batch that ends the worker is asked again file by file, so that one bad file costs itself alone. */
  async survey(paths: readonly string[]): Promise<SurveyResult> {
    for (const path of paths) this.asked.add(path);
    try {
      return await this.call('survey', { paths, policy: this.world.policy() });
    } catch (error) {
      if (this.isStopped()) return NOTHING;
      this.endWorker();
      if (paths.length === 1) {
        this.world.log(`${paths.join('')}: ${oneLine(error)}`);
        return NOTHING;
      }
      const each: SurveyResult[] = [];
      for (const path of paths) each.push(await this.survey([path]));
      return { images: each.flatMap(({ images }) => images), unusable: each.flatMap(({ unusable }) => unusable) };
    }
  }

  /** Nothing, where the chain can't be measured: the tree then shows no figure. */
  async account(path: string): Promise<Owned> {
    try {
      return await this.call('account', { path, policy: this.world.policy() });
    } catch (error) {
      if (this.isStopped()) return [];
      if (!(error instanceof DiskError)) this.endWorker();
      this.world.log(`${path}: ${oneLine(error)}`);
      return [];
    }
  }

  private call<N extends keyof SurveyCalls>(
    name: N,
    params: SurveyCalls[N]['params'],
  ): Promise<SurveyCalls[N]['result']> {
    this.worker ??= this.world.createWorker();
    return this.worker.call(name, params);
  }

  private endWorker(): void {
    this.worker?.dispose();
    this.worker = undefined;
  }
}

/** Changes when any image of the leaf's chain does. */
function stampOf(leaf: ImageNode): string {
  const parts: string[] = [];
  for (let node: FamilyNode | undefined = leaf; node; node = node.parent) {
    parts.push(node.kind === 'image' ? `${node.image.path} ${node.image.modified} ${node.image.fileSize}` : node.key);
  }
  return parts.join('\n');
}
