import * as fs from 'node:fs';
import * as path from 'node:path';
import type { DeletePlan, Direction, Finding, Move, PlanStep, QemuCommand, Side, Standing } from '../../../core';
import {
  commitEffect,
  differing,
  DiskError,
  headerCluster,
  holdingOf,
  isCopied,
  isExtended,
  isWholeName,
  mayDiffer,
  objections,
  onlyFileLeft,
  pullEffect,
  reasons,
  roomForName,
  toWire,
} from '../../../core';
import type { Effect, Differing, MergeImage, OtherWay, Situation } from '../../../core';
import type { GatePolicy } from '../../../protocol/worker';
import type { Conduct } from '../conduct';
import { runJob } from '../conduct';
import type { DeleteRequest } from '../delete';
import { filesListed, freeSpace, noRoom, refusal } from '../guard';
import { parentName } from '../parentName';
import { believed } from './believe';
import { gather, idOf, takes } from './gather';
import type { Gathered } from './gather';

/** A plan, and what carrying it out needs to know beside it. */
export interface Drawn {
  readonly plan: DeletePlan;
  readonly children: readonly string[];
  /** Of the layer and its parent: the format by which what stands on them reads them. */
  readonly formats: ReadonlyMap<string, string>;
  /** All that is verified to read the same before and after: the newest layers, and what gets another parent. */
  readonly verified: readonly string[];
  /** What reads in the end as the layer did: its parent, where nothing stands on it. */
  readonly heir: string | undefined;
  /** A run that was cut off left its note, and this one goes the same way. */
  readonly noted: boolean;
  /** For each image that gets another parent: what names the layer as its parent again. */
  readonly back: ReadonlyMap<string, QemuCommand>;
  /** Which file each of the names meant: of the layer, its parent, and what stands on it. */
  readonly ids: ReadonlyMap<string, string>;
  /** Ids of what may stand on the parent: the layer, and what a run that was cut off has moved there. */
  readonly onParent: ReadonlySet<string>;
  /** Folders in which images that stand on others are looked for. */
  readonly folders: readonly string[];
}

/** More is read only where a person asks for it. */
const MAX_READ_UNASKED = 2 ** 30;

interface Figures {
  readonly moves: readonly Move[];
  readonly bytes: number;
  readonly growth: number;
  readonly exact: boolean;
}

/** @throws DiskError when the image can't be opened at all */
export async function drawUp(request: DeleteRequest, policy: GatePolicy, conduct: Conduct): Promise<Drawn> {
  const gathered = await gather(request.image, policy, request.folders ?? []);
  try {
    return await new Draft(await believed(gathered, policy, conduct), request, conduct).finish();
  } finally {
    gathered.close();
  }
}

class Draft {
  private differing: Differing | undefined;

  constructor(
    private readonly gathered: Gathered,
    private readonly request: DeleteRequest,
    private readonly conduct: Conduct,
  ) {}

  async finish(): Promise<Drawn> {
    const { situation } = this.gathered;
    const against = objections(situation);
    const open = (['commit', 'pull'] as const).filter((way) => {
      return against[way].length === 0 && this.nameObjections().length === 0;
    });
    const wanted = this.request.direction ?? situation.begun?.direction;
    const considered = wanted === undefined ? open : open.filter((way) => way === wanted);
    if (considered.length === 0) return this.refused(this.objectionsTo(wanted, against));
    const figures = new Map<Direction, Figures>();
    for (const way of open) {
      try {
        figures.set(way, await this.figuresOf(way));
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        if (considered.length === 1 && considered[0] === way) return this.refused([unreadable(error)]);
      }
    }
    const possible = considered.filter((way) => figures.has(way));
    const roomy = possible.filter((way) => isRoomFor(figures.get(way)?.moves ?? []));
    const best = (roomy.length > 0 ? roomy : possible).sort((a, b) => {
      return compareFigures(figures.get(a), figures.get(b));
    })[0];
    const chosen = best && figures.get(best);
    if (!best || !chosen) return this.refused([refusal('unreadable', "the layer can't be read to its end")]);
    const otherWay = best === 'commit' ? 'pull' : 'commit';
    const other = figures.get(otherWay);
    const [closed] = [...against[otherWay], ...this.nameObjections()];
    return this.drawn(
      best,
      chosen,
      other
        ? { moves: other.bytes, freed: this.freedBy(other), hasRoom: isRoomFor(other.moves) }
        : { closed: this.withNames(closed?.message) },
    );
  }

  private freedBy({ growth }: Figures): number {
    return takes(this.gathered.situation.layer.path) - growth;
  }

  /** Files of the family by their names alone: a sentence among others has no room for paths. */
  private withNames(text: string | undefined): string | undefined {
    const { layer, below, children, siblings } = this.gathered.situation;
    const files = [layer, ...below, ...children, ...siblings].map(({ path: file }) => file);
    return files.reduce((told, file) => told?.replaceAll(file, path.basename(file)), text);
  }

  /** Only the way that a person asked for, or that is the likelier one, is argued with. */
  private objectionsTo(wanted: Direction | undefined, against: ReturnType<typeof objections>): Finding[] {
    const all = (way: Direction): Finding[] => [...against[way], ...this.nameObjections()];
    if (wanted !== undefined) return all(wanted);
    const { children, below } = this.gathered.situation;
    if (children.length === 0 && below.length > 0) return all('commit');
    if (below.length === 0) return all('pull');
    return unique([...all('pull'), ...all('commit')]);
  }

  private nameObjections(): Finding[] {
    const { situation, children } = this.gathered;
    if (situation.below.length === 0) return [];
    return children.flatMap(({ chain: { layers } }, index) => {
      const child = situation.children[index];
      const top = layers[0];
      if (!top || child?.format !== 'qcow2') return [];
      try {
        const { header, bytes } = headerCluster(top.source);
        const name = this.nameFor(child);
        if (Buffer.byteLength(name) <= roomForName(bytes, header, this.parentFormat())) return [];
        return [
          refusal(
            'name-too-long',
            `the name of ${situation.below[0]?.path ?? ''} is too long for the header of ${child.path}`,
            'Give its parent a shorter name, or move them into one folder.',
          ),
        ];
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
        return [refusal('no-name', error.message, error.advice)];
      }
    });
  }

  /** In the style of the name before: a whole path stays whole. @throws DiskError `refused` where no name leads there */
  private nameFor({ path: child, backing = '' }: MergeImage): string {
    return parentName(child, this.gathered.situation.below[0]?.path ?? '', isWholeName(backing));
  }

  private parentFormat(): string {
    const { layer, below } = this.gathered.situation;
    return layer.backingFormat ?? below[0]?.format ?? '';
  }

  private async figuresOf(way: Direction): Promise<Figures> {
    const { layer, children, situation } = this.gathered;
    const parent = situation.below[0];
    if (onlyFileLeft(situation) || (way === 'commit' && isCopied(situation))) return summed([], true);
    if (way === 'commit') {
      if (!parent) throw new Error('there is a parent to commit into');
      const effect = await this.job(commitEffect(layer.chain), 'looking at what goes down');
      return summed([moveOf(parent.path, effect)], effect.exact);
    }
    const top = layer.chain.layers[0];
    if (!top) throw new Error('a chain has a layer');
    const { ranges: different, exact } = await this.whereDifferent();
    const moves: Move[] = [];
    let allExact = exact;
    for (const { chain } of children) {
      const child = chain.layers[0];
      if (!child) continue;
      const source = { layer: top, extendedL2: isExtended(top), hasParent: parent !== undefined, different };
      const effect = await this.job(pullEffect(child, source), 'looking at what goes up');
      moves.push(moveOf(child.identity.path, effect));
      allExact &&= effect.exact;
    }
    return summed(moves, allExact);
  }

  private async whereDifferent(): Promise<Differing> {
    if (this.differing) return this.differing;
    const { layer, parent } = this.gathered;
    const [top, below] = layer.chain.layers;
    if (!top) throw new Error('a chain has a layer');
    const { data } = await this.job(holdingOf(top), 'looking at what it holds');
    if (this.request.exact !== true && data > MAX_READ_UNASKED) {
      this.differing = await this.job(mayDiffer(top, below), 'looking at what it holds');
    } else {
      const nothing: Side = { chain: { layers: [], end: { kind: 'base' } }, from: { depth: 0, view: NO_DISK } };
      this.differing = await this.job(differing(layer, parent ?? nothing), 'comparing it with what lies below');
    }
    return this.differing;
  }

  private async drawn(direction: Direction, figures: Figures, other: OtherWay): Promise<Drawn> {
    const { gathered } = this;
    const { situation, layer } = gathered;
    const [top] = layer.chain.layers;
    const holding = top ? await this.job(holdingOf(top), 'looking at what it holds') : { held: 0, data: 0 };
    const taken = takes(situation.layer.path);
    const freed = this.freedBy(figures);
    const space = spaceFor(figures.moves);
    const short = space.filter(({ needed, free }) => free !== undefined && needed > free);
    if (short.length > 0) {
      return this.refused(short.map(({ folder, needed, free }) => noRoom(folder, needed, free ?? 0)));
    }
    const frame = this.frame();
    const plan: DeletePlan = {
      ...frame,
      cautions: [...newestGoes(situation), ...frame.cautions],
      direction,
      moves: figures.moves,
      bytesToMove: figures.bytes,
      exact: figures.exact,
      space,
      freed,
      why: reasons({
        direction,
        layer: path.basename(situation.layer.path),
        parent: situation.below[0] && path.basename(situation.below[0].path),
        moves: figures.moves.map((move) => ({ ...move, name: path.basename(move.into) })),
        other,
        held: holding.held,
        takes: taken,
        freed,
        exact: figures.exact,
      }),
      steps: this.steps(direction),
      refusals: [],
    };
    return this.complete(plan);
  }

  private steps(direction: Direction): PlanStep[] {
    const { situation } = this.gathered;
    const { layer, below, children } = situation;
    const format = this.parentFormat();
    const parent = below[0];
    const steps: PlanStep[] = [];
    const run = (args: readonly string[], what: string): void => {
      steps.push({ kind: 'qemu-img', command: { args, what } });
    };
    if (direction === 'commit' && parent) {
      const what = `copies what ${layer.path} holds into ${parent.path}`;
      if (!isCopied(situation)) run(['commit', '-f', 'qcow2', '-d', '-p', layer.path], what);
      steps.push({ kind: 'verify', check: 'copied', what: `${parent.path} reads as ${layer.path} does` });
      for (const child of children) {
        const args = ['rebase', '-u', '-f', 'qcow2', '-F', format, '-b', this.nameFor(child), child.path];
        run(args, `names ${parent.path} as the parent of ${child.path}`);
      }
    } else {
      for (const child of children) {
        const onto = parent ? ['-F', format, '-b', this.nameFor(child)] : ['-b', ''];
        // Written through: else QEMU names the other parent while tables that lead to what was copied are in memory only,
        // and whoever is killed or loses power then leaves an image that reads otherwise.
        run(
          ['rebase', '-p', '-t', 'writethrough', '-f', 'qcow2', ...onto, child.path],
          `copies what ${child.path} reads of ${layer.path} into it, then ${parent ? `names ${parent.path} as its parent` : 'lets it stand by itself'}`,
        );
      }
    }
    steps.push({ kind: 'verify', check: 'all', what: 'every image that is left reads as before' });
    steps.push({ kind: 'remove', path: layer.path });
    return steps;
  }

  private refused(refusals: readonly Finding[]): Drawn {
    const frame = this.frame();
    return this.complete({
      ...frame,
      // Nothing is done that somebody's use of them could disturb.
      cautions: frame.cautions.filter(({ code }) => code !== 'changed-lately'),
      direction: undefined,
      moves: [],
      bytesToMove: 0,
      exact: true,
      space: [],
      freed: 0,
      why: [],
      steps: [],
      refusals: together(unique(refusals), this.gathered.situation.locked),
    });
  }

  private frame(): Pick<DeletePlan, 'image' | 'parent' | 'standing' | 'leaves' | 'cautions'> {
    const { situation, standing, cautions, family } = this.gathered;
    const children = new Set(family.images.flatMap(({ parent }) => (parent?.kind === 'found' ? [parent.id] : [])));
    const leaves = standing.filter(({ image }) => !children.has(image.id)).map(({ image }) => image.path);
    const parent = situation.below[0]?.path;
    return {
      image: situation.layer.path,
      parent,
      standing: standing.map(({ image, distance }): Standing => {
        return { path: image.path, distance, effect: distance === 1 ? 'rebased' : 'unchanged' };
      }),
      leaves: standing.length === 0 && parent !== undefined ? [parent] : leaves,
      cautions,
    };
  }

  private complete(plan: DeletePlan): Drawn {
    const { situation, standing } = this.gathered;
    const children = situation.children.map(({ path: file }) => file);
    const moved = situation.begun?.moved ?? [];
    const named = [situation.layer, ...situation.below.slice(0, 1), ...situation.children];
    const newest = standing.length === 0 ? [] : plan.leaves;
    return {
      plan,
      children: [...children, ...moved],
      formats: new Map([situation.layer, ...situation.below].map((image) => [image.path, image.format])),
      verified: [...new Set([...newest, ...children, ...moved])],
      heir: plan.direction === 'commit' && children.length + moved.length === 0 ? plan.parent : undefined,
      noted: situation.begun !== undefined && situation.begun.direction === plan.direction,
      back: new Map(situation.children.map((child) => [child.path, backTo(child, situation.layer)])),
      ids: new Map(named.map(({ path: file }) => [file, idOf(file)])),
      onParent: new Set([this.gathered.id, ...moved.map(idOf)]),
      folders: this.gathered.family.folders,
    };
  }

  private job<T>(job: Parameters<typeof runJob<T>>[0], what: string): Promise<T> {
    return runJob(job, what, this.conduct);
  }
}

function backTo(child: MergeImage, layer: MergeImage): QemuCommand {
  const name = ['-F', child.backingFormat ?? layer.format, '-b', child.backing ?? layer.path];
  return {
    args: ['rebase', '-u', '-f', 'qcow2', ...name, child.path],
    what: `names ${layer.path} as the parent again`,
  };
}

const NO_DISK = { id: '', name: '', guestSize: 0 };

const moveOf = (into: string, { moved, growth }: Effect): Move => ({ into, bytes: moved, growth });

function summed(moves: readonly Move[], exact: boolean): Figures {
  const sum = (of: (move: Move) => number): number => moves.reduce((total, move) => total + of(move), 0);
  return { moves, bytes: sum(({ bytes }) => bytes), growth: sum(({ growth }) => growth), exact };
}

/** What is written and what more is taken in the end, both count; then fewer bytes; down where it is all the same. */
function compareFigures(a: Figures | undefined, b: Figures | undefined): number {
  if (!a || !b) return 0;
  return a.bytes + a.growth - (b.bytes + b.growth) || a.bytes - b.bytes;
}

/** Where nothing stands on the layer, what reads as it does afterwards is another file. */
function newestGoes({ layer, below, children, begun }: Situation): readonly Finding[] {
  const parent = below[0];
  if (children.length > 0 || !parent || (begun?.moved.length ?? 0) > 0) return [];
  return [
    {
      code: 'newest-goes',
      severity: 'warning',
      message: `${layer.path} is the newest layer: afterwards it is ${parent.path} that holds the disk as it is now`,
      advice: `A VM that uses ${path.basename(layer.path)} has to use ${path.basename(parent.path)} from then on.`,
    },
  ];
}

/** Refusals that say the same of several files are one. */
function together(refusals: readonly Finding[], locked: Situation['locked']): Finding[] {
  const fileOf = new Map(
    [...locked].flatMap(([file, findings]) => findings.map((finding) => [finding, file] as const)),
  );
  const groups = new Map<string, { readonly files: string[]; readonly rest: string; readonly finding: Finding }>();
  for (const finding of refusals) {
    const file = fileOf.get(finding);
    const rest = file !== undefined && finding.message.startsWith(file) ? finding.message.slice(file.length) : '';
    const key = rest === '' ? `\0${finding.code}${finding.message}` : `${finding.code}${rest}`;
    const group = groups.get(key) ?? { files: [], rest, finding };
    if (file !== undefined) group.files.push(file);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ files, rest, finding }) => {
    if (files.length < 2 || rest === '') return finding;
    const message = filesListed(files) + rest.replace(/^ is /, ' are ').replace(/^ lies /, ' lie ');
    return { ...finding, message };
  });
}

function spaceFor(moves: readonly Move[]): DeletePlan['space'] {
  const byDevice = new Map<number, { folder: string; needed: number }>();
  for (const { into, growth } of moves) {
    const folder = path.dirname(into);
    const { dev } = fs.statSync(folder);
    const known = byDevice.get(dev);
    if (known) known.needed += Math.max(0, growth);
    else byDevice.set(dev, { folder, needed: Math.max(0, growth) });
  }
  return [...byDevice.values()].map(({ folder, needed }) => ({ folder, needed, free: freeSpace(folder) }));
}

const isRoomFor = (moves: readonly Move[]): boolean =>
  spaceFor(moves).every(({ needed, free }) => free === undefined || needed <= free);

function unreadable(error: DiskError): Finding {
  const { message, advice, file } = toWire(error);
  return refusal('unreadable', file === undefined ? message : `${file}: ${message}`, advice);
}

function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ code, message }) => {
    const key = `${code}\0${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
