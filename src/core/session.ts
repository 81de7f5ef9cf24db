import type { ChainOptions } from './chain';
import { closeChain, openChain } from './chain';
import { DiskError } from './errors';
import type { Gap } from './guest';
import { readGuest } from './guest';
import type { Chain, ChainLayer, Environment, Finding, Job, OpenedSource, Trace, View } from './model';
import { guestOffset } from './model';
import { Picture } from './picture/picture';
import type { ChunkScanResult } from './picture/scanChunks';
import { scanChunks } from './picture/scanChunks';
import { tellOddities } from './scan/chainScans';
import { traceRead } from './trace';
import { viewFrom } from './views';
import type { WalkFrom } from './walk';
import { mapOf } from './walk';

/** A layer and one of its states: from where the disk is looked at. */
export interface Standpoint {
  readonly depth: number;
  /** `''` for the current state, else an internal snapshot's id. */
  readonly view: string;
}

export const NOW: Standpoint = { depth: 0, view: '' };

/** One open chain, looked at from a standpoint that can move. */
export class Session {
  readonly chain: Chain;
  /** By the state whose tables can't be read somewhere. */
  private readonly failures = new Map<string, Finding>();
  private at: Standpoint = NOW;

  /** @throws DiskError when the leaf can't be used at all */
  constructor(environment: Environment, leaf: OpenedSource, options: ChainOptions = {}) {
    this.chain = openChain(environment, leaf, options);
  }

  get standpoint(): Standpoint {
    return this.at;
  }

  /** The state of the disk that is looked at. */
  get view(): View {
    return this.viewOf(this.at);
  }

  /** From where the disk is looked at, as a walk takes it. */
  get from(): WalkFrom {
    return { depth: this.at.depth, view: this.view };
  }

  /** @throws DiskError `not-found` when there is no such layer or snapshot */
  stand(at: Standpoint): void {
    this.viewOf(at);
    this.at = at;
  }

  /**
   * The state that a person calls by an id or a name of an internal snapshot of the leaf.
   * @throws DiskError `not-found`
   */
  snapshotNamed(name: string): Standpoint {
    const views = this.layerAt(0).layer.views.slice(1);
    const view = views.find(({ id }) => id === name) ?? views.find((candidate) => candidate.name === name);
    if (view) return { depth: 0, view: view.id };
    const known = views.map((candidate) => candidate.name).join(', ');
    const advice = known === '' ? 'The image has no internal snapshots.' : `It has: ${known}.`;
    throw new DiskError(
      'not-found',
      `there is no internal snapshot "${name}"`,
      { file: this.layerAt(0).identity.path },
      advice,
    );
  }

  /** Findings of a layer, of the state of it that counts: its own, of its link to its parent, and of reading its tables. */
  findings(depth: number): readonly Finding[] {
    const { layer, findings } = this.layerAt(depth);
    const failure = this.failures.get(keyOf(depth, this.viewAt(depth)));
    return [...findings, ...layer.findingsOf(this.viewAt(depth)), ...(failure ? [failure] : [])];
  }

  /** What there is to know of the disk from the standpoint; nothing of it is known yet. */
  newPicture(): Picture {
    return new Picture(this.view.guestSize, this.at.depth, this.chain.layers.length);
  }

  /**
   * The whole picture from the standpoint. Where a layer's tables can't be read that is a finding, and what reaches it is
   * unknown.
   * @param picture that is put together
   */
  *scan(picture = this.newPicture()): Job<Picture> {
    const { from } = this;
    const { chunkBytes, chunkCount } = picture;
    const { missing } = picture;
    const job = scanChunks(this.chain, from, chunkBytes, () => missing.shift());
    try {
      let step = job.next();
      for (; !step.done; step = job.next()) {
        if (step.value) picture.put(step.value.index, step.value.chunk);
        yield { done: picture.known, total: chunkCount };
      }
      this.scanned(from, [step.value]);
      return picture;
    } finally {
      job.return({ oddities: [], failures: new Map() });
    }
  }

  /** Takes note of what scans found that together were of all of the disk. */
  scanned(from: WalkFrom, results: readonly ChunkScanResult[]): void {
    this.chain.layers.slice(from.depth).forEach((chainLayer, index) => {
      tellOddities(
        chainLayer,
        from,
        results.flatMap(({ oddities }) => oddities[index] ?? []),
      );
      const key = keyOf(chainLayer.depth, viewFrom(from, chainLayer));
      const failure = results.map(({ failures }) => failures.get(chainLayer.depth)).find((found) => found);
      if (failure) this.failures.set(key, failure);
      else this.failures.delete(key);
    });
  }

  trace(offset: number): Trace {
    return traceRead(this.chain, this.at.depth, this.view, guestOffset(offset));
  }

  /**
   * Reads guest bytes; see `readGuest`.
   * @param picture from the standpoint: where it does not know who answers, tables are read
   */
  read(picture: Picture, offset: number, target: Uint8Array): Gap[] {
    const { chain, from } = this;
    const map = mapOf(chain, from, picture, { start: offset, end: offset + target.length });
    return readGuest(chain, from, map, offset, target);
  }

  close(): void {
    closeChain(this.chain);
  }

  /** The state of a layer that counts from the standpoint: the chosen one there, the current one below. */
  private viewAt(depth: number): View {
    return viewFrom(this.from, this.layerAt(depth));
  }

  private viewOf({ depth, view }: Standpoint): View {
    const found = this.layerAt(depth).layer.views.find(({ id }) => id === view);
    if (!found)
      throw new DiskError('not-found', `there is no internal snapshot "${view}"`, {
        file: this.layerAt(depth).identity.path,
      });
    return found;
  }

  private layerAt(depth: number): ChainLayer {
    const layer = this.chain.layers[depth];
    if (!layer) throw new DiskError('not-found', `the chain has no layer ${depth}`);
    return layer;
  }
}

const keyOf = (depth: number, view: View): string => `${depth}/${view.id}`;

/** Runs a job to its end without a pause. */
export function finish<T>(job: Generator<unknown, T, void>): T {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
  }
}
