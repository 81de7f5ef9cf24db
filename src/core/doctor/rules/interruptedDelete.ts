import type { Diagnosis } from '../../snapshots/model';
import type { LeftoverFacts, NotedImage } from '../facts';
import type { LeftoverRule, Ward } from '../rule';
import { listedNames, moment, nameOf, users } from '../rule';

/** More than a person looks at. */
const MOST_CHECKED = 3;

type DeleteNote = Extract<LeftoverFacts, { readonly kind: 'delete' }>;

/** How far a deletion came: by who stands on whom now, not by what the note says was done. */
type Stage = 'copying' | 'rebasing' | 'removing' | 'done';

function stageOf({ image, children }: DeleteNote): Stage {
  if (!image.exists) return 'done';
  const there = children.filter(({ exists }) => exists);
  const still = there.filter((child) => standsOn(child, image));
  if (still.length === 0 && there.length > 0) return 'removing';
  return still.length < there.length ? 'rebasing' : 'copying';
}

const standsOn = ({ image: child }: NotedImage, { image: parent }: NotedImage): boolean =>
  child !== undefined && parent !== undefined && child.parent?.state === 'found' && child.parent.id === parent.id;

/** A snapshot's deletion was begun and has not come to its end. Each of its states leaves every disk as it was. */
export const interruptedDelete: LeftoverRule = (leftover, ward) => {
  if (leftover.kind !== 'delete') return [];
  const stage = stageOf(leftover);
  const busy = [leftover.image, leftover.parent, ...leftover.children].flatMap((noted) =>
    noted?.image?.use.state === 'written' ? noted.image.use.by : [],
  );
  const isBusy = [leftover.image, leftover.parent, ...leftover.children].some(
    (noted) => noted?.image?.use.state === 'written',
  );
  if (isBusy && stage !== 'done') return [running(leftover, busy)];
  return [stage === 'done' ? finished(leftover, ward) : stopped(leftover, stage, ward)];
};

const began = ({ began: time }: DeleteNote): string => `on ${moment(time)}`;

function running(note: DeleteNote, by: readonly string[]): Diagnosis {
  return {
    code: 'delete-running',
    severity: 'info',
    path: note.path,
    message: `"${nameOf(note.image.path)}" is being deleted, begun ${began(note)}: its family is open by ${users([...new Set(by)])}`,
    meaning: 'Let it come to its end. Every disk of the family reads as before meanwhile.',
    certainty: 'likely',
    remedies: [],
  };
}

function finished(note: DeleteNote, { remedies }: Ward): Diagnosis {
  return {
    code: 'delete-finished',
    severity: 'info',
    path: note.path,
    message: `"${nameOf(note.image.path)}" was deleted; the note about it, begun ${began(note)}, was left over`,
    meaning: 'All that was to be done is done. The note may be removed.',
    certainty: 'certain',
    remedies: [remedies.remove(note.path)],
  };
}

function stopped(note: DeleteNote, stage: Exclude<Stage, 'done'>, { remedies }: Ward): Diagnosis {
  const { image, direction } = note;
  const lost = note.children.filter(({ exists }) => !exists);
  const gone =
    lost.length === 0
      ? ''
      : ` ${listedNames(lost.map(({ path }) => nameOf(path)))}, which stood on it, ${lost.length === 1 ? 'is' : 'are'} not where the note says.`;
  return {
    code: 'delete-interrupted',
    severity: 'warning',
    path: note.path,
    message: `deleting "${nameOf(image.path)}" was begun ${began(note)} and was broken off ${STAGE[stage](note)}`,
    meaning: `Every disk of the family reads as before.${gone} Deleting it again goes on from here and finishes it.${stage === 'removing' ? '' : ' What was being written to may have leaked some space: a check tells.'}`,
    certainty: image.image === undefined ? 'possible' : 'certain',
    remedies: [
      remedies.finishDelete(image.path, direction),
      ...writtenTo(note, stage).map((path) => remedies.check(path)),
    ],
  };
}

/** What was being written to when it was broken off: space may have leaked there, which is repaired in the end. */
function writtenTo({ direction, parent, children }: DeleteNote, stage: Stage): readonly string[] {
  if (stage === 'removing') return [];
  const written = direction === 'commit' ? (parent ? [parent] : []) : children;
  return written
    .filter(({ exists, image }) => exists && image?.format !== 'raw')
    .slice(0, MOST_CHECKED)
    .map(({ path }) => path);
}

const STAGE: Readonly<Record<Exclude<Stage, 'done'>, (note: DeleteNote) => string>> = {
  copying: ({ direction, parent, image, children }) =>
    direction === 'commit'
      ? `while its data was copied down into "${nameOf(parent?.path ?? 'its parent')}": perhaps part of it is there, hidden by "${nameOf(image.path)}"`
      : `while its data was copied up into ${listedNames(children.map(({ path }) => nameOf(path)))}, which still ${children.length === 1 ? 'stands' : 'stand'} on it`,
  rebasing: (note) => {
    const moved = note.children.filter((child) => child.exists && !standsOn(child, note.image));
    return `after ${listedNames(moved.map(({ path }) => nameOf(path)))} no longer stood on it, and before the others did not`;
  },
  removing: () => 'when nothing stood on it any more: only the file itself is still to be removed',
};
