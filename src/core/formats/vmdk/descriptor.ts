import { ascii } from '../../bytes';
import { DiskError } from '../../errors';
import type { Finding } from '../../model';
import { decodeText } from './encodings';
import { LIMITS } from './limits';
import { bytesOf } from './sectors';

/** What a disk descriptor says. Virtual Disk Format 5.0 (VMware), "The Descriptor File". */
export interface Descriptor {
  readonly version: number | undefined;
  readonly createType: string | undefined;
  /** 8 hexadecimal digits. */
  readonly cid: string | undefined;
  /** The same; undefined where it says that there is no parent. */
  readonly parentCid: string | undefined;
  readonly parentName: string | undefined;
  readonly extents: readonly ExtentLine[];
  /** Everything else, by its name in lower case: `ddb.adaptertype`. */
  readonly values: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

export type ExtentAccess = 'RW' | 'RDONLY' | 'NOACCESS';

/** One line of the list of extents. */
export interface ExtentLine {
  readonly access: ExtentAccess;
  /** Bytes of the disk, more than none. */
  readonly size: number;
  /** `FLAT`, `SPARSE`, `ZERO` … as it is written. */
  readonly type: string;
  readonly name: string | undefined;
  /** Where in its file a flat extent begins, in bytes. */
  readonly offset: number;
}

const FIRST_LINE = /^\s*# Disk DescriptorFile/i;
const NO_PARENT = 'ffffffff';

/** As much of a file's head as its kind is known by. */
export function isDescriptor(head: Uint8Array): boolean {
  const text = ascii(head, 0, head.length).replace(/^\xef\xbb\xbf/, '');
  if (FIRST_LINE.test(text)) return true;
  // QEMU (vmdk_probe) takes any text that comes to a version after comments; such are settings of other programs too.
  return /^(?:#[^\n]*\n| *\r?\n)*version=[123]\r?\n/.test(text) && /^createType\s*=/m.test(text);
}

/**
 * Reads a descriptor, as far as lines of it can be understood.
 * @param bytes up to its end, or to zeros behind it
 * @throws DiskError `unsupported` for a version that is not known, `limit`
 */
export function parseDescriptor(bytes: Uint8Array): Descriptor {
  const { text, findings } = decodeText(bytes);
  return new DescriptorReader(findings).read(text);
}

class DescriptorReader {
  private readonly values = new Map<string, string>();
  private readonly extents: ExtentLine[] = [];
  private readonly findings: Finding[];
  /** Lines of the list of extents. */
  private notUnderstood = 0;

  constructor(findings: readonly Finding[]) {
    this.findings = [...findings];
  }

  read(text: string): Descriptor {
    for (const line of text.split('\n')) this.line(line.trim());
    const untold = this.notUnderstood - LIMITS.maxLineNotes;
    if (untold > 0) this.note('warning', `${untold} more lines of the list of extents are not understood`);
    const parentCid = this.cid('parentcid');
    const parentName = this.parentName();
    return {
      version: this.version(),
      createType: this.values.get('createtype'),
      cid: this.cid('cid'),
      parentCid: parentCid === NO_PARENT ? undefined : parentCid,
      parentName,
      extents: this.extents,
      values: this.values,
      findings: this.findings,
    };
  }

  private line(line: string): void {
    if (line === '' || line.startsWith('#')) return;
    if (/^(?:RW|RDONLY|NOACCESS)\s/.test(line)) {
      this.extent(line);
      return;
    }
    const [, name = '', quoted, plain = ''] = /^([\w.]+)\s*=\s*(?:"([^"]*)"|(.*))/.exec(line) ?? [];
    const key = name.toLowerCase();
    // The first of two counts, as it does for QEMU.
    if (key !== '' && !this.values.has(key)) this.values.set(key, quoted ?? plain);
  }

  private extent(line: string): void {
    const [, access, sectors = '', type = '', name, offset] =
      /^(RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)")?(?:\s+(\d+))?/.exec(line) ?? [];
    if (access === undefined || Number(sectors) === 0) {
      this.notUnderstood += 1;
      if (this.notUnderstood > LIMITS.maxLineNotes) return;
      this.note('warning', `a line of the list of extents is not understood: ${shorten(line)}`);
      return;
    }
    if (this.extents.length === LIMITS.maxExtents) {
      throw new DiskError('limit', `the disk is in more than ${LIMITS.maxExtents} extents`);
    }
    const isFlat = type === 'FLAT';
    if (isFlat !== (offset !== undefined) && (isFlat || type === 'VMFS')) {
      const what = isFlat ? 'does not say where in its file it begins' : 'says where in its file it begins';
      this.note('warning', `an extent ${what}, which QEMU refuses: ${shorten(line)}`);
    }
    if (name !== undefined && name.length > LIMITS.maxExtentNameBytes) {
      throw new DiskError('limit', `the name of an extent has ${name.length} characters`);
    }
    this.extents.push({
      access: access as ExtentAccess,
      size: bytesOf(Number(sectors), 'size of an extent'),
      type,
      name,
      offset: bytesOf(Number(offset ?? 0), 'offset of an extent'),
    });
  }

  private version(): number | undefined {
    const written = this.values.get('version');
    if (written === undefined) return undefined;
    const version = Number(written);
    if (version >= 1 && version <= LIMITS.maxVersion) return version;
    const advice = 'Disks that VMware has encrypted are of a later version: decrypt the machine there.';
    throw new DiskError('unsupported', `version "${shorten(written)}" of a disk descriptor is not known`, {}, advice);
  }

  /** Content id, a new one for each time that the disk was written to. */
  private cid(key: 'cid' | 'parentcid'): string | undefined {
    const written = this.values.get(key);
    const [, digits] = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(written ?? '') ?? [];
    if (digits !== undefined) return digits.toLowerCase().padStart(8, '0');
    const name = key === 'cid' ? 'CID' : 'parentCID';
    const what = written === undefined ? `has no ${name}` : `has a ${name} that is no number (${shorten(written)})`;
    this.note('warning', `the descriptor ${what}`, 'QEMU refuses such an image.');
    return undefined;
  }

  private parentName(): string | undefined {
    const name = this.values.get('parentfilenamehint');
    if (name !== undefined && name.length > LIMITS.maxParentNameBytes) {
      throw new DiskError('limit', `the name of the parent has ${name.length} characters`);
    }
    return name === '' ? undefined : name;
  }

  private note(severity: Finding['severity'], message: string, advice?: string): void {
    this.findings.push({ code: 'descriptor', severity, message, advice });
  }
}

const shorten = (text: string): string => (text.length <= 80 ? text : `${text.slice(0, 77)}…`);
