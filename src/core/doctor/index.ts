import type { Severity } from '../model';
import type { Certainty, Diagnosis } from '../snapshots/model';
import type { DoctorFacts } from './facts';
import { Kin } from './kin';
import { Remedies } from './remedies';
import type { ImageRule, LeftoverRule, UnreadableRule, Ward } from './rule';
import { absentBackingFormat, wrongBackingFormat } from './rules/backingFormat';
import { corruptBit, dirtyBit } from './rules/bits';
import { checkFound } from './rules/check';
import { dataFile, encrypted, openBitmaps } from './rules/content';
import { depth } from './rules/depth';
import { halfMade } from './rules/halfMade';
import { interruptedDelete } from './rules/interruptedDelete';
import { interruptedRelocate } from './rules/interruptedRelocate';
import { keptBeforeRepair, keptHeader, oddNote } from './rules/kept';
import { loop } from './rules/loop';
import { missingParent } from './rules/missingParent';
import { foreignPath, jsonName, twoNames, workingDirectory } from './rules/names';
import { otherFindings } from './rules/otherFindings';
import { missingExtent } from './rules/missingExtent';
import { parentChanged } from './rules/parentChanged';
import { parentNewer } from './rules/parentNewer';
import { preview } from './rules/preview';
import { refusedParent } from './rules/refusedParent';
import { sharedBase } from './rules/sharedBase';
import { parentSize } from './rules/size';
import { unreadable } from './rules/unreadable';
import { inUse } from './rules/use';

export { Kin } from './kin';

/** To add a rule: a function in `rules/`, a line here, a test with facts made by hand. */
const IMAGE_RULES: readonly ImageRule[] = [
  missingParent,
  refusedParent,
  loop,
  wrongBackingFormat,
  absentBackingFormat,
  foreignPath,
  workingDirectory,
  jsonName,
  parentChanged,
  parentNewer,
  missingExtent,
  sharedBase,
  parentSize,
  corruptBit,
  dirtyBit,
  checkFound,
  dataFile,
  encrypted,
  openBitmaps,
  inUse,
  twoNames,
  depth,
  otherFindings,
];
const LEFTOVER_RULES: readonly LeftoverRule[] = [
  halfMade,
  interruptedDelete,
  interruptedRelocate,
  preview,
  keptHeader,
  keptBeforeRepair,
  oddNote,
];
const UNREADABLE_RULES: readonly UnreadableRule[] = [unreadable];

/** What is wrong, gravest first; pure, and bounded by the facts. */
export function judge(facts: DoctorFacts): readonly Diagnosis[] {
  const kin = new Kin(facts);
  const ward: Ward = {
    kin,
    remedies: new Remedies(facts.windows),
    mergedInto: mergedInto(facts),
  };
  return gravestFirst([
    ...facts.images
      .flatMap((image) => IMAGE_RULES.flatMap((rule) => rule(image, ward)))
      .map((each) => feasible(each, kin)),
    ...facts.unreadable.flatMap((file) => UNREADABLE_RULES.flatMap((rule) => rule(file, ward))),
    ...facts.leftovers.flatMap((leftover) => LEFTOVER_RULES.flatMap((rule) => rule(leftover, ward))),
    ...facts.incomplete.map(notAll),
  ]);
}

/** Without what can't be done: qemu-img names the parent anew of a qcow2 image, and of no other. */
function feasible(diagnosis: Diagnosis, kin: Kin): Diagnosis {
  const remedies = diagnosis.remedies.filter(({ remedy }) => {
    const naming = remedy.kind === 'relocate' || remedy.kind === 'choose-parent' ? kin.at(remedy.image) : undefined;
    return naming === undefined || naming.format === 'qcow2';
  });
  return { ...diagnosis, remedies };
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];
const CERTAINTIES: readonly Certainty[] = ['certain', 'likely', 'possible'];

/** Errors before warnings, what is certain before what is likely; otherwise as they came. */
export function gravestFirst(diagnoses: readonly Diagnosis[]): readonly Diagnosis[] {
  const rank = ({ severity, certainty }: Diagnosis): number =>
    SEVERITIES.indexOf(severity) * CERTAINTIES.length + CERTAINTIES.indexOf(certainty);
  return [...diagnoses].sort((a, b) => rank(a) - rank(b));
}

function mergedInto({ leftovers }: DoctorFacts): ReadonlySet<string> {
  return new Set(
    leftovers.flatMap((leftover) =>
      leftover.kind === 'delete' && leftover.direction === 'commit' && leftover.parent?.image
        ? [leftover.parent.image.id]
        : [],
    ),
  );
}

function notAll({ folder, why }: DoctorFacts['incomplete'][number]): Diagnosis {
  return {
    code: 'not-all-looked-at',
    severity: 'warning',
    path: folder,
    message: `not everything in the folder was looked at: ${why}`,
    meaning: 'What is wrong with the rest is not told, and images that stand on those above may be among it.',
    certainty: 'certain',
    remedies: [],
  };
}
