import * as path from 'node:path';
import type { Diagnosis } from '../../core';
import { formatCount } from '../../core';
import { codecsReady } from '../../node/codecs';
import type { Examination } from '../../node/doctor';
import { examine } from '../../node/doctor';
import { TRUST_ALL } from '../../node/gate';
import { conducted } from '../conduct';
import { placeOf, STYLE } from '../findings';
import { Output } from '../output';
import { indent, paint, plain } from '../text';
import type { Verb } from '../verb';
import { EXIT } from '../verb';

const DETAILS = `
Tells what is wrong with images, and what to do about it. PATH is an image, of which the whole family is looked at: all
that it stands on and, in the same folders, all that stands on these; or a folder, of which all images in it and below
are looked at; or a storage domain of oVirt or RHV. Nothing is written, and no image is opened for writing.

Headers, names, dates and locks are looked at; with --check also every table of each image, as "vmdisk check" does.

Of each finding it says what it means for whoever owns the VM, how sure that is (certain, likely, possible), and the
commands that mend it. "possible" may have a harmless cause, which is told.

With --output json: { images, families, diagnoses: [ { code, severity, path, message, meaning, certainty, offset?,
remedies: [ { title, command?, remedy } ] } ] }, gravest first.

Exit codes: 0 no problem was found, or nothing worse than what is good to know (severity info); 1 warnings or errors were
found, or it failed; 2 wrong usage.
`;

export const doctor: Verb = {
  name: 'doctor',
  operands: ['PATH…'],
  summary: 'what is wrong with images, folders or storage domains, and what to do about it',
  details: DETAILS,
  options: {
    check: { help: 'check each image as well: takes as long as reading all of its tables' },
    'look-in': {
      value: 'FOLDER',
      help: 'look for overlays and missing parents in this folder too',
    },
  },
  run: async (invocation) => {
    const folder = invocation.value('look-in');
    const folders = folder === undefined ? [] : [path.resolve(folder)];
    const options = { check: invocation.flag('check'), folders };
    await codecsReady();
    const found = await conducted((conduct) => examine(invocation.operands, TRUST_ALL, conduct, options));
    const output = new Output();
    if (invocation.json) output.json(examinationJson(found));
    else
      humanLines(found, invocation.flag('check')).forEach((line) => {
        output.line(line);
      });
    output.flush();
    return found.diagnoses.some(({ severity }) => severity !== 'info') ? EXIT.failed : EXIT.fine;
  },
};

function examinationJson({ images, families, diagnoses }: Examination): object {
  return { images, families, diagnoses };
}

function humanLines(found: Examination, checked: boolean): string[] {
  const byPath = new Map<string, Diagnosis[]>();
  for (const diagnosis of found.diagnoses) {
    byPath.set(diagnosis.path, [...(byPath.get(diagnosis.path) ?? []), diagnosis]);
  }
  const groups = [...byPath].flatMap(([file, diagnoses]) => [
    paint('bold', plain(shown(file))),
    ...indent(diagnoses.flatMap(diagnosisLines)),
    '',
  ]);
  return [...groups, summary(found, checked), ...(checked ? [] : ['Tables were not read: --check does that too.'])];
}

/** From the working folder where it lies in that: what is printed may be pasted. */
function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

function diagnosisLines({ severity, message, meaning, certainty, remedies, offset }: Diagnosis): string[] {
  return [
    `${paint(STYLE[severity], severity.padEnd(7))}  ${plain(message)}${placeOf(offset)}`,
    ...indent(
      [
        ...wrapped(`${certainty}: ${plain(meaning)}`, LINE),
        ...remedies.flatMap(({ title, command }) => [
          ...wrapped(`→ ${plain(title)}`, LINE),
          ...(command === undefined ? [] : [`    ${paint('cyan', plain(command))}`]),
        ]),
      ],
      '         ',
    ),
  ];
}

/** As wide as a sentence is well read, behind what it is indented by. */
const LINE = 96;

/** @param width characters; a longer word has a line of its own */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Of what was looked at, and no more. @param checked the tables of all images were read, too */
function summary({ images, families, diagnoses }: Examination, checked: boolean): string {
  const looked = `${counted(images, 'image', 'images')} in ${counted(families, 'family', 'families')} looked at`;
  const count = (wanted: string): number => diagnoses.filter(({ severity }) => severity === wanted).length;
  const parts = [
    [count('error'), 'error', 'errors'],
    [count('warning'), 'warning', 'warnings'],
    [count('info'), 'thing good to know', 'things good to know'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, one, many]) => counted(number, one, many));
  const isFine = diagnoses.every(({ severity }) => severity === 'info');
  const fine = checked ? 'nothing is wrong' : 'no problem found in headers, names and dates';
  return `${isFine ? fine : 'found'}${told.length === 0 ? '' : `${isFine ? ';' : ''} ${told.join(', ')}`}: ${looked}`;
}

const counted = (count: number, one: string, many: string): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
