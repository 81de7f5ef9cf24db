import * as path from 'node:path';
import type { DeletePlan } from '../../../core';
import { formatBytes } from '../../../core';
import { commandText } from '../../../node/qemuImg';
import { findingJson, findingLines } from '../../findings';
import type { Output } from '../../output';
import { ourCommand, paint, plain, table } from '../../text';

/** A plan for programs: as the core has it, findings in the words of the other verbs. */
export function planJson(plan: DeletePlan): Record<string, unknown> {
  return {
    ...plan,
    parent: plan.parent ?? null,
    direction: plan.direction ?? null,
    steps: plan.steps.map((step) =>
      step.kind === 'qemu-img' ? { ...step, commandLine: commandText(step.command.args) } : step,
    ),
    refusals: plan.refusals.map(findingJson),
    cautions: plan.cautions.map(findingJson),
  };
}

/** A plan for people. */
export function writePlan(output: Output, plan: DeletePlan): void {
  const { image, direction, why, exact } = plan;
  const name = (file: string): string => plain(path.relative(process.cwd(), file) || file);
  output.line(
    paint(
      'bold',
      direction === undefined ? `${name(image)} can't be deleted` : `What deleting ${name(image)} would do`,
    ),
  );
  for (const finding of plan.refusals) for (const line of findingLines(finding)) output.line(line);
  if (plan.standing.length > 0) {
    output.line();
    output.line('What stands on it:');
    for (const { path: file, distance, effect } of plan.standing) {
      const what = effect === 'rebased' ? 'gets another parent' : 'goes on reading through what is below it';
      output.line(
        `  ${'  '.repeat(distance - 1)}${name(file)}: ${direction === undefined ? 'reads through it' : what}`,
      );
    }
  }
  if (direction !== undefined) {
    output.line();
    for (const sentence of why) output.line(`- ${plain(sentence)}`);
    if (plan.moves.length > 0) {
      output.line();
      const columns = [
        { title: 'Into' },
        { title: exact ? 'Moves' : 'Moves at most', align: 'right' as const },
        { title: exact ? 'Grows by' : 'Grows by at most', align: 'right' as const },
      ];
      const rows = plan.moves.map(({ into, bytes, growth }) => [name(into), formatBytes(bytes), signed(growth)]);
      for (const line of table(columns, rows)) output.line(`  ${line}`);
    }
    for (const { folder, needed, free } of plan.space) {
      const there = free === undefined ? '' : ` of ${formatBytes(free)} that are free`;
      output.line(
        needed === 0
          ? `It needs no more room in ${plain(folder)}.`
          : `While it runs it needs ${formatBytes(needed)}${there} in ${plain(folder)}.`,
      );
    }
    output.line(
      `In the end ${plan.freed >= 0 ? `${formatBytes(plan.freed)} come free` : `the images take ${formatBytes(-plan.freed)} more`}${exact ? '' : ' (the least that it can be; --exact reads all to know)'}.`,
    );
    output.line();
    output.line('Steps:');
    plan.steps.forEach((step, index) => {
      const number = `${index + 1}.`.padStart(4);
      if (step.kind === 'qemu-img') {
        output.line(`${number} ${plain(step.command.what)}`);
        output.line(`       ${plain(commandText(step.command.args))}`);
      } else if (step.kind === 'verify') output.line(`${number} checks that ${plain(step.what)}`);
      else output.line(`${number} removes ${name(step.path)}`);
    });
    if (plan.leaves.length > 0) output.line(`Read before and after: ${plan.leaves.map(name).join(', ')}.`);
    output.line(
      `To do it: ${ourCommand('snapshot', 'delete', path.relative(process.cwd(), image) || image, '--direction', direction)}`,
    );
  }
  if (plan.cautions.length > 0) output.line();
  for (const finding of plan.cautions) for (const line of findingLines(finding)) output.line(line);
}

const signed = (bytes: number): string => (bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes));
