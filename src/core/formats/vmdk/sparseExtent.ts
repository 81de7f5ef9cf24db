import { readUpTo } from '../../bytes';
import type { Shelf } from '../../cache/byteBudget';
import { DiskError, oneLine } from '../../errors';
import type { ByteSource, Codecs, Fact, Finding } from '../../model';
import { formatBytes, formatOffset } from '../../units';
import { CUT_SHORT } from '../advice';
import type { Structure } from '../check';
import { COWD_STRUCTURES, isCowd, readCowd } from './cowd';
import type { DirectorySurvey } from './directory';
import { surveyDirectory } from './directory';
import type { GrainLayout } from './grainLayout';
import { tableSpan } from './grainLayout';
import type { ExtentFile } from './grains';
import { Grains } from './grains';
import type { HostedHeader } from './hosted';
import { hostedLayout, hostedStructures, isHosted, readHosted } from './hosted';
import { SECTOR_BYTES } from './sectors';
import { isSeSparse, readSeSparse, seSparseStructures } from './seSparse';

/** What a sparse extent is, of the three that there are, and where it keeps its grains. */
export interface SparseHeader {
  readonly kind: 'hosted' | 'cowd' | 'seSparse';
  readonly hosted?: HostedHeader | undefined;
  readonly layout: GrainLayout;
  /** The other grain directory, where there is one: its tables say the same. */
  readonly copy?: GrainLayout | undefined;
  readonly survey: DirectorySurvey;
  /** What is in the file beside directories, tables and grains. */
  readonly structures: readonly Structure[];
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
    structures: kind === 'cowd' ? COWD_STRUCTURES : seSparseStructures(source),
    facts: [
      { label: 'Extent', value: kind === 'cowd' ? 'ESX copy-on-write (COWD)' : 'ESXi space-efficient (SE sparse)' },
    ],
    findings: [...tooFewEntries(layout), ...surveyFindings(layout, survey)],
  };
}

function describeHosted(source: ByteSource, hosted: HostedHeader): SparseHeader {
  const { layout, copy, survey, findings } = chooseDirectory(source, hosted);
  const { version, compressed, zeroedGrains } = hosted;
  return {
    kind: 'hosted',
    hosted,
    layout,
    copy,
    survey,
    structures: hostedStructures(hosted, source),
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
): Pick<SparseHeader, 'layout' | 'copy' | 'survey' | 'findings'> {
  const { directoryOffset, redundantOffset } = hosted;
  const layout = hostedLayout(hosted, source.size, directoryOffset);
  const survey = surveyDirectory(source, layout);
  const copy = redundantOffset === undefined ? undefined : hostedLayout(hosted, source.size, redundantOffset);
  const problem = problemOf(directoryOffset, survey);
  if (problem === undefined) return { layout, copy, survey, findings: [] };
  const says = `the grain directory (byte ${directoryOffset} of the file) ${problem}`;
  if (copy && redundantOffset !== undefined) {
    const secondSurvey = surveyDirectory(source, copy);
    if (problemOf(redundantOffset, secondSurvey) === undefined) {
      const message = `${says}: the redundant one is used in its place (byte ${redundantOffset})`;
      const advice = 'Copy the disk to a new file while it can be read.';
      const finding: Finding = { code: 'redundant-directory', severity: 'error', message, advice };
      return { layout: copy, survey: secondSurvey, findings: [{ ...finding, offset: directoryOffset }] };
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
  return { layout, copy, survey, findings: [finding] };
}

/** Why a grain directory is of no use; undefined where it is. */
function problemOf(offset: number, { unreadable, missingEntries }: DirectorySurvey): string | undefined {
  if (offset === 0) return "can't be where the header is";
  if (unreadable) return `can't be read (${oneLine(unreadable)})`;
  return missingEntries > 0 ? 'is cut off by the end of the file' : undefined;
}

function surveyFindings(layout: GrainLayout, survey: DirectorySurvey): readonly Finding[] {
  const { cutTables, firstCut, missingEntries, lost, tooMany } = survey;
  const findings: Finding[] = [];
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
      message: `there are more grain tables than the file has room for: the map is shown up to guest byte ${formatOffset(tooMany * tableSpan(layout))} and unknown from there`,
      advice: 'Such an image is broken, or made to keep its reader busy.',
    });
  }
  return findings;
}

function tooFewEntries(layout: GrainLayout): readonly Finding[] {
  const { size, directory } = layout;
  const mapped = directory.entries * tableSpan(layout);
  if (mapped >= size) return [];
  const message = `the grain directory ends at guest byte ${formatOffset(mapped)}, before the disk does`;
  return [
    { code: 'directory-too-small', severity: 'error', message, advice: 'QEMU fails to read what comes after it.' },
  ];
}

/** What a sparse extent holds of a disk. @param size bytes of it that count, at most what it has */
export function grainsOf(
  file: ExtentFile,
  { hosted, layout, survey }: SparseHeader,
  size: number,
  given: { readonly codecs: Codecs; readonly shelf: Shelf; readonly name?: string | undefined },
): Grains {
  const compressed = hosted?.compressed === true ? { markers: hosted.markers, ...given } : undefined;
  return new Grains(file, { ...layout, size }, { tooMany: survey.tooMany, name: given.name, compressed });
}
