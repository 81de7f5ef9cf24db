import { readExactly, text } from '../../bytes';
import { isWindowsAbsolute } from '../../fileReference';
import { DiskError } from '../../errors';
import { HostSpace } from '../../hostSpace';
import type { ByteSource, Fact, FileReference, Finding, OpenedSource } from '../../model';
import { Kind } from '../../model';
import type { OpenContext } from '../driver';
import { EmptyPart } from '../parts/emptyPart';
import { FlatPart, SECTOR } from '../parts/flatPart';
import { JoinedPart } from '../parts/joinedPart';
import type { DiskPart } from '../parts/part';
import { writesBlocks } from '../parts/part';
import { PartLayer } from '../parts/partLayer';
import { checkImage } from './check';
import type { DescribedImage, Descriptor, Storage } from './descriptor';
import { parseDescriptor } from './descriptor';
import type { ExpandingImage } from './image';
import { factsOf, openExpanding, partOf } from './image';
import { LIMITS } from './limits';

/**
 * Which state of a bundle is meant: that of a snapshot. Its parent is opened as the file that holds it (the first, where
 * the disk is split), so the state says as well where the descriptor is.
 */
interface BundleState {
  readonly guid: string;
  readonly descriptorPath: string;
}

const GUID_LENGTH = 38;
const stateText = ({ guid, descriptorPath }: BundleState): string => `${guid} ${descriptorPath}`;
const stateOf = (state: string): BundleState => ({
  guid: state.slice(0, GUID_LENGTH),
  descriptorPath: state.slice(GUID_LENGTH + 1),
});

/**
 * The state of a bundle that a file of it froze, as `OpenContext.state` has it; undefined of the newest state, which is
 * opened by the descriptor, and of files that hold none or, of a split disk, not its first part.
 */
export function stateFrozenIn(descriptor: Descriptor, descriptorPath: string, file: string): string | undefined {
  for (const [guid, image] of descriptor.storages[0]?.images ?? []) {
    if (guid !== descriptor.top && placeOf(descriptorPath, image.file) === file) {
      return stateText({ guid, descriptorPath });
    }
  }
  return undefined;
}

/** Opens the current state of a bundle by its descriptor. @throws DiskError when no sense can be made of that */
export function openDescriptor(source: ByteSource, context: OpenContext): PartLayer {
  const descriptor = readDescriptor(source);
  const state = { guid: descriptor.top, descriptorPath: context.identity.path };
  return new Bundle(descriptor, state, context).open({ source, isImage: false });
}

/** Opens another state of a bundle by the file that holds it. @throws DiskError when its descriptor can't be used */
export function openState(source: ByteSource, state: string, context: OpenContext): PartLayer {
  const { guid, descriptorPath } = stateOf(state);
  const answer = context.openCompanion(referenceTo(descriptorPath, descriptorPath));
  if (!answer.ok) throw new DiskError('refused', answer.refusal.message);
  const { opened } = answer;
  try {
    const descriptor = readDescriptor(opened.source);
    return new Bundle(descriptor, { guid, descriptorPath }, context).open({ source, isImage: true });
  } finally {
    opened.source.close();
  }
}

/** @throws DiskError */
export function readDescriptor(source: ByteSource): Descriptor {
  if (source.size > LIMITS.maxDescriptorBytes) {
    throw new DiskError(
      'limit',
      `a descriptor of ${source.size} bytes is more than is read (${LIMITS.maxDescriptorBytes} are)`,
    );
  }
  return parseDescriptor(text(readExactly(source, 0, source.size)).replace(/^\ufeff/, ''));
}

/** A file as the descriptor names it: from the folder that the descriptor is in. */
export function placeOf(descriptorPath: string, file: string): string {
  if (file.startsWith('/') || isWindowsAbsolute(file)) return file;
  return (
    descriptorPath.slice(0, 1 + Math.max(descriptorPath.lastIndexOf('/'), descriptorPath.lastIndexOf('\\'))) + file
  );
}

function referenceTo(path: string, written: string): FileReference {
  return { role: 'extent', written, target: { kind: 'path', path, relativeTo: 'image' } };
}

/** The file that the layer is opened by: an image of it, or the descriptor. */
interface OwnFile {
  readonly source: ByteSource;
  readonly isImage: boolean;
}

/** One state of a bundle as a layer: an image for each part of the disk. */
class Bundle {
  private readonly space = new HostSpace();
  private readonly findings: Finding[];
  private readonly parts: DiskPart[] = [];
  private readonly expanding: ExpandingImage[] = [];
  /** How many bytes of format extensions may still be read. */
  private extensionBytes: number = LIMITS.maxExtensionBytesOfBundle;
  private ownIsPart = false;

  constructor(
    private readonly descriptor: Descriptor,
    private readonly state: BundleState,
    private readonly context: OpenContext,
  ) {
    this.findings = [...descriptor.findings];
  }

  open(own: OwnFile): PartLayer {
    try {
      return this.layer(own);
    } catch (error) {
      for (const part of this.parts) part.close();
      throw error;
    }
  }

  private layer(own: OwnFile): PartLayer {
    const { descriptor, parts, expanding } = this;
    const { storages } = descriptor;
    this.addParts(own);
    const [single] = expanding;
    const isSingle = storages.length === 1 && parts.length === 1;
    const [first] = storages;
    return new PartLayer({
      format: 'parallels',
      grain: single?.file.header.clusterSize ?? SECTOR,
      part: parts.length === 1 && parts[0] ? parts[0] : new JoinedPart(parts),
      own: this.ownIsPart ? undefined : own.source,
      write: writesBlocks,
      facts: this.facts(first),
      info: { 'dirty-flag': false, ...(descriptor.encrypted && { encrypted: true }) },
      findings: this.findings,
      parent: this.parent(),
      files: this.isOneFile(own) ? undefined : this.space.files,
      bitmaps: expanding.flatMap(({ bitmaps }) => bitmaps),
      unreadable: descriptor.encrypted
        ? new DiskError('encrypted', 'the content is encrypted by Parallels', {}, 'Decrypt the disk with Parallels.')
        : undefined,
      check: isSingle && single ? () => checkImage(single) : undefined,
    });
  }

  /** The whole disk in the file that the layer is opened by: its offsets are that file's. */
  private isOneFile({ isImage }: OwnFile): boolean {
    return isImage && this.descriptor.storages.length === 1;
  }

  private addParts(own: OwnFile): void {
    const { sectors, storages } = this.descriptor;
    let at = 0;
    for (const [index, storage] of storages.entries()) {
      if (storage.start >= sectors) break;
      if (storage.start > at) this.addGap(at, storage.start);
      const end = Math.min(storage.end, sectors);
      this.parts.push(this.partOf(storage, end, index === 0 ? own : undefined));
      at = end;
    }
    if (at < sectors) this.addGap(at, sectors);
  }

  private addGap(start: number, end: number): void {
    this.note('storage-gap', `no file is said to hold sectors ${start} to ${end} of the disk`);
    this.parts.push(unknown(start, end));
  }

  /** What can't be opened is not known; the rest of the disk is. */
  private partOf(storage: Storage, end: number, own: OwnFile | undefined): DiskPart {
    const { guid } = this.state;
    const image = storage.images.get(guid);
    if (!image) {
      this.note(
        'image-missing',
        `the descriptor names no file that holds snapshot ${guid} from sector ${storage.start} on`,
      );
      return unknown(storage.start, end);
    }
    const opened = this.openImage(image, own);
    if (!opened) return unknown(storage.start, end);
    const size = (end - storage.start) * SECTOR;
    const holder = own && this.isOneFile(own) ? undefined : this.holderOf(opened);
    try {
      const part =
        image.type === 'plain'
          ? this.plain(opened.source, size, holder)
          : this.expandingPart(opened, storage, size, holder);
      this.ownIsPart ||= opened.source === own?.source;
      return part;
    } catch (error) {
      if (opened.source !== own?.source) opened.source.close();
      if (!(error instanceof DiskError)) throw error;
      this.note('image-unreadable', `${image.file} can't be used: ${error.message}`, error.advice);
      return unknown(storage.start, end);
    }
  }

  private openImage(image: DescribedImage, own: OwnFile | undefined): OpenedSource | undefined {
    const { context, state } = this;
    if (own?.isImage === true) return { identity: context.identity, source: own.source };
    const answer = context.openCompanion(referenceTo(placeOf(state.descriptorPath, image.file), image.file));
    if (answer.ok) {
      this.findings.push(...answer.findings);
      return answer.opened;
    }
    const { reason, message } = answer.refusal;
    const advice =
      reason === 'missing'
        ? 'Put the file back where it was.'
        : reason === 'outside'
          ? 'Allow it if you know where the disk comes from.'
          : undefined;
    this.note(reason === 'missing' ? 'extent-missing' : 'extent-refused', message, advice);
    return undefined;
  }

  private holderOf({ identity, source }: OpenedSource): { readonly path: string; readonly base: number } {
    return { path: identity.path, base: this.space.add(identity, source) };
  }

  private plain(source: ByteSource, size: number, holder: ExpandingImage['file']['holder']): DiskPart {
    if (source.size < size) {
      this.note(
        'image-size',
        `a plain image has ${source.size} bytes, where ${size} are expected: the rest reads as zeros`,
      );
    }
    return new FlatPart(source, this.context.cache.of(source), size, holder);
  }

  private expandingPart(
    { identity, source }: OpenedSource,
    { clusterSectors }: Storage,
    size: number,
    holder: ExpandingImage['file']['holder'],
  ): DiskPart {
    const image = openExpanding(source, this.context, { holder, extensionBytes: this.extensionBytes });
    const { header } = image.file;
    if (header.extensionOffset !== undefined) this.extensionBytes -= Math.min(header.clusterSize, this.extensionBytes);
    this.findings.push(...image.findings);
    this.expanding.push(image);
    const expected = clusterSectors === undefined ? header.clusterSize : clusterSectors * SECTOR;
    if (header.clusterSize !== expected) {
      this.note(
        'image-cluster-size',
        `${identity.path} has clusters of ${header.clusterSize} bytes, where the descriptor says ${expected}`,
      );
    }
    if (header.guestSize !== size) {
      this.note(
        'image-size',
        `${identity.path} is of ${header.guestSize} bytes of the disk, where the descriptor says ${size}`,
      );
    }
    return partOf(image, size);
  }

  private parent(): FileReference | undefined {
    const { descriptor, state } = this;
    const { parents, top, storages } = descriptor;
    const guid = parents.get(state.guid);
    if (guid === undefined) return undefined;
    const base = { role: 'parent', format: 'parallels' } as const;
    const { descriptorPath } = state;
    // The newest state is opened by the descriptor: naming it so makes a loop that leads there a loop.
    if (guid === top)
      return { ...base, written: guid, target: { kind: 'path', path: descriptorPath, relativeTo: 'image' } };
    const file = storages[0]?.images.get(guid)?.file;
    if (file === undefined) {
      const message = `the descriptor names no file that holds snapshot ${guid}, on which this one stands`;
      return { ...base, written: guid, target: { kind: 'refused', reason: 'malformed', message } };
    }
    const target = { kind: 'path', path: placeOf(descriptorPath, file), relativeTo: 'image' } as const;
    return { ...base, written: file, target, state: stateText({ guid, descriptorPath }) };
  }

  private facts(first: Storage | undefined): readonly Fact[] {
    const { descriptor, state, expanding } = this;
    const { storages, name, sectors } = descriptor;
    const image = first?.images.get(state.guid);
    const [single] = expanding;
    return [
      ...(name === undefined ? [] : [{ label: 'Disk', value: name }]),
      { label: 'Snapshot', value: state.guid },
      { label: 'Image type', value: image?.type ?? 'not known' },
      ...(storages.length === 1 ? [] : [{ label: 'Files of this snapshot', value: storages.length }]),
      ...(storages.length === 1 && single
        ? factsOf(single)
        : [{ label: 'Disk size', value: sectors * SECTOR, unit: 'bytes' } as const]),
      ...(descriptor.encrypted ? [{ label: 'Encryption', value: 'by Parallels' }] : []),
    ];
  }

  private note(code: string, message: string, advice?: string): void {
    const severity = WARNINGS.has(code) ? 'warning' : 'error';
    this.findings.push({ code, severity, message, advice });
  }
}

/** What is odd and stands in the way of nothing. */
const WARNINGS: ReadonlySet<string> = new Set(['image-size', 'image-cluster-size']);

const unknown = (start: number, end: number): DiskPart => new EmptyPart((end - start) * SECTOR, Kind.Unknown);
