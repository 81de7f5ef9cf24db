import { basename } from 'node:path';
import type { Diagnosis, Remedy } from '../../core/snapshots/model';
import { formatOffset } from '../../core/units';
import { count } from '../text';
import { findingText } from './findings';
import type { Block, Button, SheetText } from './sheetHtml';

/** What the buttons of a diagnosis do. */
export interface DiagnosisActions {
  readonly mend: (remedy: Remedy) => unknown;
  readonly open: (path: string) => unknown;
  readonly copy: (command: string) => unknown;
  readonly again: () => unknown;
}

/** All that is wrong, a card each, gravest first as it was found, under the file that it is about. */
export function diagnosisSheet(title: string, found: readonly Diagnosis[], actions: DiagnosisActions): SheetText {
  const files = new Map<string, Diagnosis[]>();
  for (const each of found) files.set(each.path, [...(files.get(each.path) ?? []), each]);
  return {
    title,
    lead: verdict(found, files.size),
    blocks: [
      ...[...files].flatMap(([path, diagnoses]): Block[] => [
        { kind: 'file', text: path, open: { text: basename(path), look: 'word', act: () => actions.open(path) } },
        ...diagnoses.map((diagnosis) => card(diagnosis, actions)),
      ]),
      { kind: 'buttons', buttons: [{ text: 'Diagnose Again', act: actions.again }] },
    ],
  };
}

/** `2 errors, 1 warning in 3 files`. */
export function verdict(found: readonly Diagnosis[], files: number): string {
  const amount = (severity: Diagnosis['severity']): number => found.filter((each) => each.severity === severity).length;
  const [errors, warnings, infos] = [amount('error'), amount('warning'), amount('info')];
  if (errors + warnings + infos === 0) return 'No problem was found, and nothing is left over.';
  const parts = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
    ...(infos > 0 ? [count(infos, 'note')] : []),
  ];
  return `${parts.join(', ')} in ${count(files, 'file')}.`;
}

/** `Take "b" as its parent (likely: …)`: what stands in brackets goes beside the button. */
function labelled(title: string): Pick<Button, 'text' | 'note'> {
  const [, text, note] = /^(.+?) \((.+)\)$/.exec(title) ?? [];
  return text === undefined ? { text: title } : { text, note };
}

function card(diagnosis: Diagnosis, actions: DiagnosisActions): Block {
  const { severity, message, meaning, certainty, remedies, offset } = diagnosis;
  const buttons = remedies.flatMap(({ title, remedy }, index): Button[] =>
    remedy.kind === 'none'
      ? []
      : [{ ...labelled(title), look: index === 0 ? 'primary' : 'secondary', act: () => actions.mend(remedy) }],
  );
  const advice = remedies.filter(({ remedy }) => remedy.kind === 'none').map(({ title }) => title);
  const commands = remedies.flatMap(({ command, title }) => (command === undefined ? [] : [{ command, title }]));
  return {
    kind: 'card',
    tone: severity,
    title: findingText({ message }),
    aside: certainty,
    blocks: [
      { kind: 'text', text: findingText({ message: meaning }) },
      ...(offset === undefined
        ? []
        : [{ kind: 'text', text: `At byte ${formatOffset(offset)} of the file.` } as const]),
      ...advice.map((text): Block => ({ kind: 'text', text: findingText({ message: text }) })),
      ...(buttons.length === 0 ? [] : [{ kind: 'buttons', buttons } as const]),
      ...(commands.length === 0
        ? []
        : [
            {
              kind: 'details',
              summary: 'In a terminal',
              blocks: commands.map(({ command, title }): Block => ({
                kind: 'command',
                ...(commands.length > 1 ? { what: title } : {}),
                text: command,
                copy: { text: 'copy', look: 'word', title: 'Copy this command', act: () => actions.copy(command) },
              })),
            } as const,
          ]),
    ],
  };
}
