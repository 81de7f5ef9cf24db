import * as fs from 'node:fs';
import * as path from 'node:path';
import type {
  CheckFacts,
  Diagnosis,
  DoctorFacts,
  ImageFacts,
  LeftoverFacts,
  OpenedSource,
  ParentCandidate,
  ParentFacts,
} from '../core';
import { DiskError, driverNamed, endsEarly, gravestFirst, judge, Kin, oneLine, ReadCache, wholeDisks } from '../core';
import type { SurveyedImage } from '../protocol/image';
import type { GatePolicy } from '../protocol/worker';
import { codecs } from './codecs';
import { ImagesLookedAt } from './doctorFacts/images';
import { imagesOf, Leftovers, mayBeOpened, notesIn } from './doctorFacts/leftovers';
import type { FoundNote } from './doctorFacts/leftovers';
import { parentFacts } from './doctorFacts/parents';
import { fileId } from './fileId';
import { FileGate } from './gate';
import { useOf } from './inUse';
import { platformFindings, storageDomainOf } from './platforms';
import type { Conduct } from './snapshots/conduct';
import { runJob } from './snapshots/conduct';
import { findCandidates } from './snapshots/relocate';

export interface DoctorOptions {
  /** Checks each image as well: reads all of its tables. */
  readonly check?: boolean | undefined;
  /** Further folders in which overlays and missing parents are looked for, absolute. */
  readonly folders?: readonly string[] | undefined;
}

export interface Examination {
  /** Gravest first. */
  readonly diagnoses: readonly Diagnosis[];
  /** How many images were looked at, and how many families they make. */
  readonly images: number;
  readonly families: number;
}

/** Looking for candidates reads many files: the time that it may take for each orphan, and for all of them. */
const SEARCH_MS = 3000;
const ALL_SEARCHES_MS = 10_000;
/** Images that all notes together name. */
const MAX_NOTED = 10_000;

/**
 * Everything that is wrong with images, folders or storage domains, gravest first. Of an image its whole family is looked
 * at, of a folder all images in it and below. Writes nothing.
 * @throws DiskError `not-found` for a path that is not there; `AbortError` when it was ended
 */
export async function diagnose(
  paths: readonly string[],
  policy: GatePolicy,
  conduct: Conduct = {},
  options: DoctorOptions = {},
): Promise<readonly Diagnosis[]> {
  return (await examine(paths, policy, conduct, options)).diagnoses;
}

/** As `diagnose`, and says what was looked at. @throws as `diagnose` */
export async function examine(
  paths: readonly string[],
  policy: GatePolicy,
  conduct: Conduct = {},
  options: DoctorOptions = {},
): Promise<Examination> {
  const { folders = [] } = options;
  const places = paths.map((name) => path.resolve(name));
  for (const place of places) {
    if (!fs.existsSync(place)) throw new DiskError('not-found', 'there is no such file or folder', { file: place });
  }
  const looked = new ImagesLookedAt(policy, conduct);
  const roots = places.filter((place) => fs.statSync(place).isDirectory());
  for (const place of places) {
    if (roots.includes(place)) await looked.folder(place);
    else await looked.family(place, folders);
  }
  await looked.parents();
  const gatherer = new Gatherer(looked, policy, conduct, options);
  const facts = await gatherer.facts(roots);
  const diagnoses = [...judge(facts), ...places.flatMap((place) => ofPlatform(place, policy))];
  return {
    diagnoses: gravestFirst(diagnoses.filter(isTold).map(withinDomain)),
    images: facts.images.length,
    families: new Kin(facts).families(),
  };
}

/** What a platform's reader says must not keep back the rest. */
function ofPlatform(place: string, policy: GatePolicy): readonly Diagnosis[] {
  try {
    return platformFindings(place, policy);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return [
      {
        code: 'platform-unreadable',
        severity: 'warning',
        path: place,
        message: `what the platform says of it can't be read: ${oneLine(error)}`,
        meaning: 'The images were judged without it.',
        certainty: 'certain',
        remedies: [],
      },
    ];
  }
}

/** A template's volume is linked into the folder of each disk made from it: in a storage domain that is how it should be. */
const isTold = ({ code, path: file }: Diagnosis): boolean =>
  code !== 'two-names' || storageDomainOf(file) === undefined;

/** Nothing is offered that would write into a storage domain: its engine keeps its own account. */
function withinDomain(diagnosis: Diagnosis): Diagnosis {
  const changes = diagnosis.remedies.some(({ remedy: { kind } }) => kind !== 'none' && kind !== 'check');
  if (!changes || storageDomainOf(diagnosis.path) === undefined) return diagnosis;
  return {
    ...diagnosis,
    remedies: [
      ...diagnosis.remedies.filter(({ remedy: { kind } }) => kind === 'none' || kind === 'check'),
      { title: 'Have the engine mend it: nothing is written into a storage domain', remedy: { kind: 'none' } },
    ],
  };
}

class Gatherer {
  private readonly gate: FileGate;
  private searched = 0;
  private noted = 0;

  constructor(
    private readonly looked: ImagesLookedAt,
    private readonly policy: GatePolicy,
    private readonly conduct: Conduct,
    private readonly options: DoctorOptions,
  ) {
    this.gate = new FileGate(policy);
  }

  /** @param roots folders that are looked at whole: all that is left over in them is told */
  async facts(roots: readonly string[]): Promise<DoctorFacts> {
    const { looked } = this;
    const notes = await this.notes(roots);
    const names = this.names();
    const images: ImageFacts[] = [];
    for (const image of wholeDisks([...looked.images.values()])) {
      this.conduct.signal?.throwIfAborted();
      images.push(await this.imageFacts(image, names.get(image.id) ?? []));
    }
    return {
      images,
      unreadable: [...looked.unreadable.values()],
      leftovers: this.leftovers(images, notes),
      incomplete: [...looked.incomplete].map(([folder, why]) => ({ folder, why })),
      windows: process.platform === 'win32',
    };
  }

  /** Notes about the images, and whatever these say hangs together with them. */
  private async notes(roots: readonly string[]): Promise<readonly FoundNote[]> {
    const found: FoundNote[] = [];
    for (const { folder, files } of this.looked.listings.values()) {
      const wanted = roots.some((root) => folder === root || folder.startsWith(root + path.sep));
      for (const note of notesIn(files)) if (wanted || this.concerns(note)) found.push(this.bounded(note));
    }
    const named = found.flatMap(({ note, path: file }) =>
      note ? imagesOf(note).filter((name) => mayBeOpened(name, file, this.gate)) : [],
    );
    await this.looked.files(named.filter((name) => !this.isKnown(name)));
    await this.looked.parents();
    return found;
  }

  /** Each name in a note is looked for: whoever writes notes must not keep us busy for ever. */
  private bounded(note: FoundNote): FoundNote {
    this.noted += note.note ? imagesOf(note.note).length : 0;
    return this.noted <= MAX_NOTED ? note : { ...note, note: undefined, why: 'notes name too many images' };
  }

  private concerns({ note, image }: FoundNote): boolean {
    return [image, ...(note ? imagesOf(note) : [])].some((name) => this.isKnown(name));
  }

  private isKnown(name: string): boolean {
    const id = fileId(name);
    return id !== undefined && this.looked.images.has(id);
  }

  /** Every name of each image in the folders that were listed. */
  private names(): ReadonlyMap<string, readonly string[]> {
    const names = new Map<string, string[]>();
    for (const { files } of this.looked.listings.values()) {
      for (const file of files) {
        const id = fileId(file);
        if (id === undefined || !this.looked.images.has(id)) continue;
        const known = names.get(id);
        if (known) known.push(file);
        else names.set(id, [file]);
      }
    }
    return names;
  }

  private async imageFacts(image: SurveyedImage, names: readonly string[]): Promise<ImageFacts> {
    const { id, path: file, format, guestSize, fileSize, modified, views, bitmaps, findings, facts } = image;
    const { state, by } = await useOf(file, false);
    return {
      id,
      path: file,
      otherNames: names.filter((name) => name !== file && !LEFT_OVER_NAME.test(path.basename(name))),
      format,
      guestSize,
      fileSize,
      modified,
      made: birthOf(file),
      snapshotDates: views.flatMap(({ snapshot }) => (snapshot ? [snapshot.date] : [])),
      bitmaps,
      encryption: facts.flatMap(({ label, value }) => (label === 'Encryption' ? [String(value)] : []))[0],
      findings,
      parent: await this.parentOf(image),
      use: { state, by },
      ...(this.options.check === true && image.checkable ? { check: await this.check(image) } : {}),
    };
  }

  private async parentOf(image: SurveyedImage): Promise<ParentFacts | undefined> {
    if (image.backing === null) return undefined;
    const parent = parentFacts(image, this.gate);
    if (parent?.state !== 'missing' || this.searched >= ALL_SEARCHES_MS) return parent;
    const began = Date.now();
    const candidates = await this.candidates(image.path, began + SEARCH_MS);
    this.searched += Date.now() - began;
    return { ...parent, candidates };
  }

  private async candidates(image: string, until: number): Promise<readonly ParentCandidate[]> {
    try {
      return await findCandidates(image, this.options.folders ?? [], this.policy, { ...this.conduct, until });
    } catch (error) {
      this.conduct.signal?.throwIfAborted();
      if (error instanceof DiskError) return [];
      throw error;
    }
  }

  private async check({ path: file, format }: SurveyedImage): Promise<CheckFacts> {
    let opened: OpenedSource | undefined;
    try {
      opened = this.gate.openFound(file);
      const { identity } = opened;
      const layer = driverNamed(format)?.open(opened.source, {
        identity,
        codecs,
        isLeaf: true,
        cache: new ReadCache(),
        openCompanion: (reference) => this.gate.open(reference, identity),
      });
      const job = layer?.check?.();
      if (!layer || !job) return { failed: `the format ${format} has nothing to check` };
      try {
        const { counts, problems } = await runJob(job, `checking ${path.basename(file)}`, this.conduct);
        return { ...counts, endsEarly: endsEarly(problems) };
      } finally {
        layer.close();
      }
    } catch (error) {
      if (error instanceof DiskError) return { failed: error.message };
      throw error;
    } finally {
      opened?.source.close();
    }
  }

  private leftovers(images: readonly ImageFacts[], notes: readonly FoundNote[]): readonly LeftoverFacts[] {
    const members = new Map(
      images.flatMap((image) => [image.path, ...image.otherNames].map((name) => [name, image] as const)),
    );
    const leftovers = new Leftovers(members, this.gate);
    const ofNotes = notes.map((note) => leftovers.ofNote(note));
    const told = new Set(
      ofNotes.flatMap((left) => (left.kind === 'relocate' && left.header ? [left.header.path] : [])),
    );
    const files = [...this.looked.listings.values()].flatMap((listing) => listing.files);
    return [...ofNotes, ...leftovers.ofFiles(files, told)];
  }
}

/** A second name of a file that was just made is told as what it is. */
const LEFT_OVER_NAME = /^\..+\.tmp$/s;

function birthOf(file: string): number | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  // File systems that do not keep it give 0, or another of the dates.
  if (!stat || stat.birthtimeMs <= 0 || stat.birthtimeMs > Date.now() + 86_400_000) return undefined;
  return stat.birthtimeMs;
}
