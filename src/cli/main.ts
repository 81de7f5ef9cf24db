import { oneLine } from '../core';
import { asksFor, parseInvocation } from './args';
import { mainHelp, verbHelp } from './help';
import { Output, OutputClosed, tell } from './output';
import { Interrupted } from './interrupt';
import { plain } from './text';
import type { ExitCode, Verb } from './verb';
import { EXIT, UsageError } from './verb';
import { chain } from './verbs/chain';
import { check } from './verbs/check';
import { compare } from './verbs/compare';
import { convert } from './verbs/convert';
import { doctor } from './verbs/doctor';
import { info } from './verbs/info';
import { map } from './verbs/map';
import { repair } from './verbs/repair';
import { SNAPSHOT_VERBS } from './verbs/snapshot';
import { trace } from './verbs/trace';
import { version } from './version';

const VERBS: readonly Verb[] = [info, map, chain, trace, check, compare, convert, ...SNAPSHOT_VERBS, repair, doctor];

async function main(args: readonly string[]): Promise<ExitCode> {
  const { first, rest } = leadingVerb(args);
  if (first === 'help') return help(leadingVerb(rest).first);
  const name = first?.startsWith('-') === true ? undefined : first;
  if (asksFor('help', args)) return help(name);
  if (asksFor('version', args)) return print(`vmdisk ${version()}`);
  if (name === undefined) {
    throw new UsageError(first === undefined ? 'no verb is given' : `the verb comes first, before "${first}"`);
  }
  const verb = verbNamed(name);
  try {
    return await verb.run(parseInvocation(verb, rest));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    failed(error, name);
    return verb.usageCode ?? EXIT.usage;
  }
}

/** The verb that a command line begins with, of one word or two, and what follows it. */
function leadingVerb(args: readonly string[]): {
  readonly first: string | undefined;
  readonly rest: readonly string[];
} {
  const [first, second] = args;
  const isGroup = VERBS.some((verb) => verb.name.startsWith(`${first} `));
  if (!isGroup || second === undefined || second.startsWith('-')) return { first, rest: args.slice(1) };
  return { first: `${first} ${second}`, rest: args.slice(2) };
}

function help(name: string | undefined): ExitCode {
  if (name === undefined) return print(mainHelp(VERBS));
  const group = VERBS.filter((verb) => verb.name.startsWith(`${name} `));
  return print(group.length > 0 ? mainHelp(group) : verbHelp(verbNamed(name)));
}

function print(text: string): ExitCode {
  const output = new Output();
  output.line(text);
  output.flush();
  return EXIT.fine;
}

function verbNamed(name: string): Verb {
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb) return verb;
  const names = VERBS.map((known) => known.name);
  const [group = ''] = name.split(' ');
  const inGroup = names.filter((known) => known.startsWith(`${group} `));
  if (name === group && inGroup.length > 0) throw new UsageError(`what of "${name}"? There are: ${inGroup.join(', ')}`);
  const meant = names.find((known) => known.endsWith(` ${name}`));
  const which =
    meant !== undefined
      ? `did you mean "${meant}"?`
      : `these are: ${(inGroup.length > 0 ? inGroup : names).join(', ')}`;
  throw new UsageError(`there is no verb "${name}"; ${which}`);
}

/** @param verb whose help tells more */
function failed(error: unknown, verb?: string): ExitCode {
  if (error instanceof OutputClosed) return EXIT.fine;
  if (error instanceof Interrupted) {
    tell(error.message);
    return error.code;
  }
  const help = error instanceof UsageError ? ` See: vmdisk ${verb === undefined ? '' : `${verb} `}--help` : '';
  const text = plain(oneLine(error));
  tell(help === '' || /[.?]$/.test(text) ? text + help : `${text}.${help}`);
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = failed(error);
  },
);
