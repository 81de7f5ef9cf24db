import { basename, dirname, sep } from 'node:path';
import { listed } from '../../core/listed';
import type { Finding } from '../../core/model';
import type { Deleted, DeletePlan, Direction, Move, PlanStep, Standing } from '../../core/snapshots/model';
import { formatBytes } from '../../core/units';
import { count, sentence } from '../text';
import { findingText } from './findings';
import { commandText } from './commandText';
import type { Tool } from './maintenance';
import type { Block, Button, Fact, SheetText } from './sheetHtml';

/** What the buttons of a plan do. */
export interface PlanActions {
  readonly run: () => unknown;
  /** Plans the other way. */
  readonly turn: () => unknown;
  readonly again: () => unknown;
  readonly copy: (text: string) => unknown;
  readonly openSetting: () => unknown;
}

/**
 * The plan of a deletion as a page: what happens to the data, the figures, what to know, and every command.
 * @param other the way that was not chosen, where it is open as well
 */
export function planSheet(plan: DeletePlan, tool: Tool, other: Direction | undefined, actions: PlanActions): SheetText {
  const name = basename(plan.image);
  if (plan.direction === undefined) return refusedSheet(plan, actions);
  return {
    title: `Delete ${name}?`,
    lead: leadText(plan, plan.direction),
    blocks: [
      { kind: 'facts', facts: planFacts(plan) },
      ...cautionCards(plan),
      ...toolBlocks(tool),
      { kind: 'buttons', buttons: planButtons(plan, tool, other, actions) },
      ...(plan.why.length === 0
        ? []
        : [
            { kind: 'heading', text: plan.freed > 0 ? 'Why it frees that' : 'Why it frees nothing' } as const,
            { kind: 'list', items: plan.why.map((line) => findingText({ message: line })) } as const,
          ]),
      { kind: 'heading', text: 'Who stands on it' },
      ...standingBlocks(plan),
      ...notes(plan),
      { kind: 'heading', text: 'What is done, in this order' },
      ...plan.steps.map((step) => stepBlock(plan.image, step, actions)),
    ],
  };
}

function refusedSheet(plan: DeletePlan, actions: PlanActions): SheetText {
  return {
    title: `${basename(plan.image)} can’t be deleted`,
    lead: 'Nothing was changed.',
    blocks: [
      ...plan.refusals.map(({ message, advice }): Block => ({
        kind: 'card',
        tone: 'error',
        title: findingText({ message }),
        blocks: advice === undefined ? [] : [{ kind: 'text', text: findingText({ message: advice }) }],
      })),
      { kind: 'buttons', buttons: [{ text: 'Plan Again', look: 'primary', act: actions.again }] },
      ...(plan.standing.length === 0
        ? []
        : [{ kind: 'heading', text: 'Who stands on it' } as const, ...standingBlocks(plan)]),
    ],
  };
}

function leadText({ image, parent, moves, standing }: DeletePlan, direction: Direction): string {
  const name = basename(image);
  if (direction === 'commit') {
    const below = parent === undefined ? 'its parent' : `its parent ${basename(parent)}`;
    const end =
      standing.length > 0
        ? 'No VM sees a difference.'
        : `The VM has to use ${parent === undefined ? 'the parent' : basename(parent)} from then on.`;
    return `What ${name} holds moves down into ${below}; then the file goes. ${end}`;
  }
  const into = moves.map((move) => basename(move.into));
  const whose = into.length === 0 ? 'what stands on it' : listed(into, Infinity);
  return `What of ${name} is still needed moves up into ${whose}; then the file goes. No VM sees a difference.`;
}

function planFacts({ bytesToMove, exact, moves, space, freed }: DeletePlan): Fact[] {
  const most = exact ? '' : 'at most ';
  return [
    { label: 'To move', value: `${most}${formatBytes(bytesToMove)}`, note: movesNote(moves) },
    ...space.map(({ folder, needed, free }): Fact => ({
      label: 'Needed while it runs',
      value: `${most}${formatBytes(needed)}`,
      note: free === undefined ? `in ${folder}` : `of ${formatBytes(free)} free in ${folder}`,
    })),
    freed >= 0
      ? {
          label: 'Freed in the end',
          value: freed === 0 ? 'nothing' : `${exact ? '' : 'at least '}${formatBytes(freed)}`,
        }
      : { label: 'Freed in the end', value: 'nothing', note: `${most}${formatBytes(-freed)} more is taken` },
  ];
}

const movesNote = (moves: readonly Move[]): string | undefined =>
  moves.length === 0
    ? undefined
    : moves
        .map(({ into, bytes, growth }) => {
          const share = moves.length > 1 ? `${formatBytes(bytes)} ` : '';
          return `${share}into ${basename(into)}, which grows by ${formatBytes(growth)}`;
        })
        .join('; ');

/** Cautions that say the same of several files are one. */
function cautionCards({ cautions, image }: DeletePlan): Block[] {
  const groups = new Map<string, Finding[]>();
  for (const caution of cautions) {
    if (caution.severity === 'info') continue;
    const key = `${caution.code} ${caution.advice ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), caution]);
  }
  return [...groups.values()].flatMap((group): Block[] => {
    const [first, ...others] = group;
    if (!first) return [];
    const advice =
      first.advice === undefined ? [] : [{ kind: 'text', text: findingText({ message: first.advice }) } as const];
    const told = group.map(({ message }) => beside(image, findingText({ message })));
    return [
      {
        kind: 'card',
        tone: first.severity,
        title: others.length === 0 ? (told[0] ?? '') : advice.length > 0 ? (advice[0]?.text ?? '') : (told[0] ?? ''),
        blocks: others.length === 0 ? advice : [{ kind: 'list', items: advice.length > 0 ? told : told.slice(1) }],
      },
    ];
  });
}

/** What is good to know and no caution, where it belongs: after who was found to stand on it. */
const notes = ({ cautions, image }: DeletePlan): Block[] =>
  cautions
    .filter(({ severity }) => severity === 'info')
    .map(({ message }) => ({ kind: 'text', tone: 'quiet', text: beside(image, findingText({ message })) }));

/** Files of the image's own folder by their names alone. */
const beside = (image: string, text: string): string => text.replaceAll(dirname(image) + sep, '');

function toolBlocks(tool: Tool): Block[] {
  if ('path' in tool) return [];
  return [
    {
      kind: 'card',
      tone: 'warning',
      title: 'Merging is qemu-img’s work, which was not found',
      blocks: [
        { kind: 'text', text: tool.why },
        { kind: 'text', text: 'The commands below do the same, wherever there is one.' },
      ],
    },
  ];
}

function planButtons(
  plan: DeletePlan,
  tool: Tool,
  other: Direction | undefined,
  { run, turn, copy, again, openSetting }: PlanActions,
): Button[] {
  const runnable = 'path' in tool;
  return [
    ...(runnable
      ? [{ text: `Delete ${basename(plan.image)}`, look: 'primary', act: run } as const]
      : [{ text: 'Open Setting', look: 'primary', act: openSetting } as const]),
    {
      text: 'Copy Commands',
      title: 'All commands, to be run in a terminal',
      act: () => copy(commandsText(plan)),
    },
    ...(other === undefined
      ? []
      : [
          {
            text: other === 'commit' ? 'Move It Down Instead…' : 'Move It Up Instead…',
            title: other === 'commit' ? 'Plan to commit it into its parent' : 'Plan to pull it into what stands on it',
            act: turn,
          },
        ]),
    { text: 'Plan Again', look: 'word', act: again },
  ];
}

function standingBlocks({ standing }: DeletePlan): Block[] {
  if (standing.length === 0) return [{ kind: 'text', text: 'No image that was found.', tone: 'quiet' }];
  return [{ kind: 'list', items: standing.map(standingText) }];
}

const standingText = ({ path, distance, effect }: Standing): string =>
  `${basename(path)}${distance === 1 ? '' : `, ${count(distance - 1, 'layer')} above`}: ${
    effect === 'rebased' ? 'is told its new parent' : 'is not changed'
  }; reads as before`;

function stepBlock(image: string, step: PlanStep, { copy }: PlanActions): Block {
  switch (step.kind) {
    case 'qemu-img': {
      const text = commandText(step.command);
      return {
        kind: 'command',
        what: beside(image, sentence(step.command.what)),
        text,
        copy: { text: 'copy', look: 'word', title: 'Copy this command', act: () => copy(text) },
      };
    }
    case 'verify':
      return { kind: 'text', text: `Verify: ${beside(image, step.what)}` };
    case 'remove':
      return { kind: 'text', text: `Remove ${step.path}` };
  }
}

/** All commands of a plan, one a line, what is no command as a comment. */
export function commandsText({ steps }: Pick<DeletePlan, 'steps'>): string {
  return steps
    .map((step) => {
      switch (step.kind) {
        case 'qemu-img':
          return commandText(step.command);
        case 'verify':
          return `# verify: ${oneLine(step.what)}`;
        case 'remove':
          return `# then remove ${oneLine(step.path)}`;
      }
    })
    .concat('')
    .join('\n');
}

/** Pasted into a terminal, a comment must not end before its line does. */
const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, '?');

/** What came of it. */
export function deletedSheet({ image, freed, verified, heir }: Deleted, open: (path: string) => unknown): SheetText {
  return {
    title: `Deleted ${basename(image)}`,
    lead:
      heir === undefined
        ? 'Every image that is left was read before and after: nothing in them differs.'
        : `${basename(heir)} reads as ${basename(image)} did: let the VM use that one from now on.`,
    blocks: [
      {
        kind: 'facts',
        facts: [
          freed >= 0
            ? { label: 'Freed on the host', value: freed === 0 ? 'nothing' : formatBytes(freed) }
            : { label: 'Taken on the host', value: formatBytes(-freed) },
          { label: 'Verified', value: count(verified.length, 'image') },
        ],
      },
      {
        kind: 'buttons',
        buttons: verified.map((path, index) => ({
          text: `Open ${basename(path)}`,
          look: index === 0 ? 'primary' : 'secondary',
          act: () => open(path),
        })),
      },
    ],
  };
}
