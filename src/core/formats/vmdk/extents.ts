import { DiskError, oneLine } from '../../errors';
import { HostSpace } from '../../hostSpace';
import type { ByteSource, FileReference, Finding, HeldFile, ImageIdentity, RefusalReason } from '../../model';
import { Kind } from '../../model';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import type { OpenContext } from '../driver';
import { BlockPart } from '../blocks/blockPart';
import { EmptyPart } from '../parts/emptyPart';
import { SECTOR } from '../parts/flatPart';
import { JoinedPart } from '../parts/joinedPart';
import type { DiskPart } from '../parts/part';
import { ReadOnlyPart } from '../parts/readOnlyPart';
import { ReservedPart } from '../parts/reservedPart';
import type { CheckedExtent } from './check';
import type { ExtentLine } from './descriptor';
import type { DiskFile } from './flatHoles';
import type { ExtentFile, FilePlace } from './grains';
import { LIMITS } from './limits';
import { baseName } from './names';
import type { SparseHeader } from './sparseExtent';
import { grainsOf, readSparse } from './sparseExtent';

/** The disk that a descriptor's list of extents makes, as far as they could be opened. */
export interface OpenedExtents {
  readonly part: DiskPart;
  readonly files: readonly HeldFile[];
  /** The same files, to ask for their holes. */
  readonly diskFiles: readonly DiskFile[];
  /** Those that were opened. */
  readonly opened: readonly OpenedExtent[];
  readonly findings: readonly Finding[];
}

export interface OpenedExtent {
  readonly line: ExtentLine;
  /** Where on the disk it begins. */
  readonly start: number;
  /** For people, with its number and size. */
  readonly words: string;
  readonly fileSize: number;
  /** Undefined of a flat one. */
  readonly sparse: CheckedExtent | undefined;
}

/** Opens the extents of a disk, one by one. What can't be opened is unknown, and a finding; the rest is there. */
export function openExtents(lines: readonly ExtentLine[], context: OpenContext): OpenedExtents {
  return new Opener(context).open(lines);
}

const NEEDS_DEVICE: Readonly<Record<string, string>> = {
  VMFSRDM: 'a disk of the host that is mapped raw (RDM)',
  VMFSRDMP: 'a disk of the host that is mapped raw (RDM, physical mode)',
  VMFSRAW: 'a disk of the host',
};
const DEVICE_NAME = /^(?:\\\\[.?]\\|\/dev\/)/;
const FLAT_TYPES: ReadonlySet<string> = new Set(['FLAT', 'VMFS']);
const SPARSE_TYPES: ReadonlySet<string> = new Set(['SPARSE', 'VMFSSPARSE', 'SESPARSE']);

class Opener {
  private readonly space = new HostSpace();
  private readonly parts: DiskPart[] = [];
  private readonly opened: OpenedExtent[] = [];
  private readonly findings: Finding[] = [];
  private readonly diskFiles: DiskFile[] = [];
  private count = 0;
  /** Of all extents, each of which was looked through: the same file may be named by all of them. */
  private directoryEntries = 0;
  /** Where on the disk the next extent begins. */
  private at = 0;

  constructor(private readonly context: OpenContext) {}

  open(lines: readonly ExtentLine[]): OpenedExtents {
    this.count = lines.length;
    try {
      lines.forEach((line, index) => {
        if (!Number.isSafeInteger(this.at + line.size)) {
          throw new DiskError('limit', 'the extents add up to more than any real disk has');
        }
        const part = this.extent(line, this.wordsFor(line, index));
        this.parts.push(line.access === 'RDONLY' ? new ReadOnlyPart(part) : part);
        this.at += line.size;
        if (this.directoryEntries <= LIMITS.maxDirectoryEntries) return;
        throw new DiskError(
          'limit',
          `the extents have more grain tables than any disk (${LIMITS.maxDirectoryEntries})`,
        );
      });
    } catch (error) {
      for (const part of this.parts) part.close();
      throw error;
    }
    const { opened, findings, diskFiles } = this;
    return { part: joined(this.parts), files: this.space.files, diskFiles, opened, findings };
  }

  private wordsFor({ name, size }: ExtentLine, index: number): string {
    const which = this.count === 1 ? 'the extent' : `extent ${index + 1} of ${this.count}`;
    return `${which}${name === undefined ? '' : ` "${name}"`} (${formatBytes(size)})`;
  }

  private extent(line: ExtentLine, words: string): DiskPart {
    const { type, access, name, size } = line;
    if (type === 'ZERO') return new EmptyPart(size, Kind.Zero);
    const device =
      NEEDS_DEVICE[type] ?? (name !== undefined && DEVICE_NAME.test(name) ? 'a device of the host' : undefined);
    if (device !== undefined) {
      const advice = 'Only files are opened. Copy the disk on the host that has it.';
      return this.unknown(line, 'extent-device', `${words} is ${device}: it is not opened`, advice);
    }
    if (access === 'NOACCESS') {
      return this.unknown(
        line,
        'extent-no-access',
        `${words} is marked as not to be accessed: what it holds is not shown`,
      );
    }
    if (!FLAT_TYPES.has(type) && !SPARSE_TYPES.has(type)) {
      return this.unknown(line, 'extent-type', `${words} is of a type that is not known (${type})`);
    }
    if (name === undefined) return this.unknown(line, 'extent-name', `${words} names no file`);
    return this.inFile(line, name, words);
  }

  private inFile(line: ExtentLine, written: string, words: string): DiskPart {
    const reference: FileReference = {
      role: 'extent',
      written,
      // A plain name of a file to QEMU too, whatever it looks like.
      target: { kind: 'path', path: written, relativeTo: 'image' },
    };
    const answer = this.context.openCompanion(reference);
    if (!answer.ok) {
      const { reason, message } = answer.refusal;
      const code = reason === 'missing' ? 'extent-missing' : 'extent-refused';
      return this.unknown(line, code, `${words} could not be opened: ${message}`, ADVICE[reason]);
    }
    const { identity, source } = answer.opened;
    this.findings.push(...answer.findings);
    try {
      const lookups = this.context.cache.of(source);
      const isFlat = FLAT_TYPES.has(line.type);
      const header = isFlat ? undefined : readSparse(lookups);
      this.directoryEntries += header?.layout.directory.entries ?? 0;
      if (header?.layout.size === 0) throw new DiskError('corrupt', 'it holds nothing of a disk', { offset: 12 });
      const holder = { path: identity.path, base: this.place(identity, source, isFlat) };
      const sparse = header && this.grains(line, { source, lookups, holder }, header);
      this.opened.push({ line, start: this.at, words, fileSize: source.size, sparse });
      return sparse ? this.sparse(line, sparse, words) : this.flat(line, lookups, holder, words);
    } catch (error) {
      source.close();
      if (!(error instanceof DiskError)) throw error;
      return this.unknown(line, 'extent-unusable', `${words} can't be used: ${oneLine(error.in(identity))}`);
    }
  }

  /** Where a file begins in the layer's host space: several extents may be in one. */
  private place(identity: ImageIdentity, source: ByteSource, isFlat: boolean): number {
    const before = this.space.files.findIndex((file) => file.identity.id === identity.id);
    const known = this.diskFiles[before];
    if (known) {
      this.diskFiles[before] = { ...known, isFlat: known.isFlat && isFlat };
      return known.base;
    }
    const base = this.space.add(identity, source);
    this.diskFiles.push({ source, base, isFlat });
    return base;
  }

  private flat({ size, offset }: ExtentLine, lookups: ByteSource, holder: FilePlace, words: string): DiskPart {
    if (!Number.isSafeInteger(holder.base + offset + size)) {
      throw new DiskError('limit', `it can't begin at byte ${offset} of its file`);
    }
    const there = Math.max(0, Math.min(size, lookups.size - offset));
    if (there < size) {
      const message = `${words} ends ${formatBytes(size - there)} before it should: zeros are read there`;
      this.findings.push({ code: 'extent-short', severity: 'warning', message, advice: CUT_SHORT });
    }
    return new ReservedPart(lookups, size, { ...holder, offset });
  }

  private grains({ size, name = '' }: ExtentLine, file: ExtentFile, header: SparseHeader): CheckedExtent {
    const { codecs, cache } = this.context;
    const held = Math.min(header.layout.size, size);
    const given = { codecs, shelf: cache.shelf(), name: this.count === 1 ? undefined : baseName(name) };
    return { file, header, grains: grainsOf(file, header, held, given) };
  }

  private sparse({ size }: ExtentLine, { header, grains }: CheckedExtent, words: string): DiskPart {
    this.findings.push(...header.findings.map((finding) => told(finding, words)));
    const is = header.layout.size;
    if (is !== size) {
      const rest = is < size ? 'what comes after that is not known' : 'what it has more is not shown';
      const message = `${words} says itself that it holds ${formatBytes(is)} of the disk, and the descriptor ${formatBytes(size)}: ${rest}`;
      this.findings.push({
        code: 'extent-size',
        severity: 'error',
        message,
        advice: 'QEMU goes by what the extent says, so all that comes after it stands elsewhere there.',
      });
    }
    return joined([new BlockPart(grains), ...(is < size ? [new EmptyPart(size - is, Kind.Unknown)] : [])]);
  }

  private unknown({ size }: ExtentLine, code: string, message: string, advice?: string): DiskPart {
    this.findings.push({ code, severity: 'error', message, advice });
    return new EmptyPart(size, Kind.Unknown);
  }
}

const ADVICE: Partial<Record<RefusalReason, string>> = {
  missing: 'Put the file back where it was: what it holds of the disk is unknown until then.',
  outside: 'Allow it if you know where the image comes from.',
};

/** Of one file of several: it says of which, and no offset, which would be one of the layer's own file. */
const told = ({ code, severity, message, advice, lost }: Finding, words: string): Finding => ({
  code,
  severity,
  message: `${words}: ${message}`,
  advice,
  lost,
});

function joined(parts: readonly DiskPart[]): DiskPart {
  const [only] = parts;
  if (parts.length > 1) return new JoinedPart(parts);
  return only ?? new EmptyPart(0, Kind.Absent);
}

/** Bytes that the opened extents allocate at a time: those of the first that has a table, or a sector. */
export const grainOf = (opened: readonly OpenedExtent[]): number =>
  opened.find(({ sparse }) => sparse)?.sparse?.header.layout.grainSize ?? SECTOR;
