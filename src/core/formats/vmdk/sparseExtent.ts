import { readUpTo } from '../../bytes';
import type { Shelf } from '../../cache/byteBudget';
import { DiskError, oneLine } from '../../errors';
import type { ByteSource, Codecs, Fact, Finding } from '../../model';
import { formatBytes } from '../../units';
import { CUT_SHORT } from '../advice';
import { BlockPart } from '../blocks/blockPart';
import type { DiskPart } from '../parts/part';
import { isCowd, readCowd } from './cowd';
import type { DirectorySurvey } from './directory';
import { surveyDirectory } from './directory';
import type { GrainLayout } from './grainLayout';
import { tableSpan } from './grainLayout';
import type { ExtentFile } from './grains';
import { Grains } from './grains';
import type { HostedHeader } from './hosted';
import { hostedLayout, isHosted, readHosted } from './hosted';
import { SECTOR_BYTES } from './sectors';
import { isSeSparse, readSeSparse } from './seSparse';

/** What a sparse extent is, of the three that there are, and where it keeps its grains. */
export interface SparseHeader {
  readonly kind: 'hosted' | 'cowd' | 'seSparse';
  readonly hosted?: HostedHeader | undefined;
  readonly layout: GrainLayout;
  readonly survey: DirectorySurvey;
  readonly facts: readonly Fact[];
  readonly findings: readonly Finding[];
}

/**
 * Reads the headers of a sparse extent, of whichever kind it is, and its grain directory.
 * @param source with pages kept
 * @throws DiskError when it is none, or no sense can be made of it
 */
export function readSparse(source: ByteSource): SparseHeader {
  const head = readUpTo(source, 0, SECTOR_BYTES);
  if (isHosted(head)) return describeHosted(source, readHosted(source));
  const layout = isCowd(head) ? readCowd(source) : isSeSparse(head) ? readSeSparse(source) : undefined;
  if (!layout) throw new DiskError('not-this-format', 'this is no sparse extent of VMware', { offset: 0 });
  const kind = isCowd(head) ? 'cowd' : 'seSparse';
  const survey = surveyDirectory(source, layout);
  return {
    kind,
    layout,
    survey,
    facts: [
      { label: 'Extent', value: kind === 'cowd' ? 'ESX copy-on-write (COWD)' : 'ESXi space-efficient (SE sparse)' },
    ],
    findings: [...tooFewEntries(layout), ...surveyFindings(layout, survey)],
  };
}

function describeHosted(source: ByteSource, hosted: HostedHeader): SparseHeader {
  const { layout, survey, findings } = chooseDirectory(source, hosted);
  const { version, compressed, zeroedGrains } = hosted;
  return {
    kind: 'hosted',
    hosted,
    layout,
    survey,
    facts: [
      { label: 'Version', value: version },
      ...(compressed ? [{ label: 'Compression', value: 'deflate' }] : []),
      ...(zeroedGrains ? [{ label: 'Zeroed grains', value: true }] : []),
    ],
    findings: [...hosted.findings, ...findings, ...surveyFindings(layout, survey)],
  };
}

/** The redundant grain directory counts only where the first one can't be read. */
function chooseDirectory(
  source: ByteSource,
  hosted: HostedHeader,
): { layout: GrainLayout; survey: DirectorySurvey; findings: readonly Finding[] } {
  const { directoryOffset, redundantOffset } = hosted;
  const layout = hostedLayout(hosted, source.size, directoryOffset);
  const survey = surveyDirectory(source, layout);
  const problem = problemOf(directoryOffset, survey);
  if (problem === undefined) return { layout, survey, findings: [] };
  const says = `the grain directory (byte ${directoryOffset} of the file) ${problem}`;
  if (redundantOffset !== undefined) {
    const second = hostedLayout(hosted, source.size, redundantOffset);
    const secondSurvey = surveyDirectory(source, second);
    if (problemOf(redundantOffset, secondSurvey) === undefined) {
      const message = `${says}: the redundant one is used in its place (byte ${redundantOffset})`;
      const advice = 'Copy the disk to a new file while it can be read.';
      const finding: Finding = { code: 'redundant-directory', severity: 'error', message, advice };
      return { layout: second, survey: secondSurvey, findings: [{ ...finding, offset: directoryOffset }] };
    }
  }
  const other = redundantOffset === undefined ? 'there is no redundant one' : 'the redundant one is no better';
  const finding: Finding = {
    code: 'grain-directory',
    severity: 'error',
    message: `${says}, and ${other}: what it maps is not known`,
    advice: 'Restore the image from a backup.',
    offset: directoryOffset,
  };
  return { layout, survey, findings: [finding] };
}

/** Why a grain directory is of no use; undefined where it is. */
function problemOf(offset: number, { unreadable, missingEntries }: DirectorySurvey): string | undefined {
  if (offset === 0) return "can't be where the header is";
  if (unreadable) return `can't be read (${oneLine(unreadable)})`;
  return missingEntries > 0 ? 'is cut off by the end of the file' : undefined;
}

function surveyFindings(layout: GrainLayout, survey: DirectorySurvey): readonly Finding[] {
  const { cutTables, firstCut, missingEntries, tooMany } = survey;
  const findings: Finding[] = [];
  const lost = Math.min(layout.size, (cutTables + missingEntries) * tableSpan(layout));
  if (lost > 0) {
    const tables = `${cutTables + missingEntries} grain ${cutTables + missingEntries === 1 ? 'table' : 'tables'}`;
    const first = firstCut === undefined ? '' : ` (the first at byte ${firstCut})`;
    findings.push({
      code: 'tables-past-end',
      severity: 'error',
      message: `the file ends before ${tables}${first} or inside: what was in the ${formatBytes(lost)} of the disk that is mapped there is unknown, and reads as empty`,
      advice: CUT_SHORT,
      lost,
    });
  }
  if (tooMany !== undefined) {
    findings.push({
      code: 'tables-exceed-file',
      severity: 'error',
      message: `there are more grain tables than the file has room for: the map is shown up to guest byte ${tooMany * tableSpan(layout)} and unknown from there`,
      advice: 'Such an image is broken, or made to keep its reader busy.',
    });
  }
  return findings;
}

function tooFewEntries(layout: GrainLayout): readonly Finding[] {
  const { size, directory } = layout;
  const mapped = directory.entries * tableSpan(layout);
  if (mapped >= size) return [];
  const message = `the grain directory ends at guest byte ${mapped}, before the disk does`;
  return [
    { code: 'directory-too-small', severity: 'error', message, advice: 'QEMU fails to read what comes after it.' },
  ];
}

/** The part of a disk that a sparse extent holds. @param size bytes of it that count, at most what it has */
export function sparsePart(
  file: ExtentFile,
  { hosted, layout, survey }: SparseHeader,
  size: number,
  given: { readonly codecs: Codecs; readonly shelf: Shelf; readonly name?: string | undefined },
): DiskPart {
  const compressed = hosted?.compressed === true ? { markers: hosted.markers, ...given } : undefined;
  return new BlockPart(
    new Grains(file, { ...layout, size }, { tooMany: survey.tooMany, name: given.name, compressed }),
  );
}
