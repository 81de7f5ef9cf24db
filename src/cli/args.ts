import { parseArgs } from 'node:util';
import type { Invocation, OptionSpec, Verb } from './verb';
import { UsageError } from './verb';

/** Options of every verb. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  output: { value: 'human|json', help: 'the form of the answer; human when left out' },
  format: { value: 'FORMAT', short: 'f', help: 'take the image as this format (qcow2, raw) instead of probing it' },
  help: { short: 'h', help: 'show this help' },
  version: { short: 'V', help: 'show the version' },
};

/** The option of every verb that looks at a disk. */
export const SNAPSHOT_OPTION: Readonly<Record<string, OptionSpec>> = {
  snapshot: { value: 'NAME|ID', help: 'look at an internal snapshot instead of the current state' },
};

const OUTPUTS: readonly string[] = ['human', 'json'];

/** @throws UsageError */
export function parseInvocation(verb: Verb, args: readonly string[]): Invocation {
  const { values, positionals } = parse(verb, args);
  const least = verb.operands.length;
  const isOpen = verb.operands.at(-1)?.endsWith('…') === true;
  if (positionals.length < least || (!isOpen && positionals.length > least)) {
    const wanted = verb.operands.join(' and ');
    const number = positionals.length;
    const given = number === 0 ? 'nothing is given' : `${number} ${number === 1 ? 'is' : 'are'} given`;
    throw new UsageError(`${verb.name} takes ${wanted}, ${given}`);
  }
  const value = (option: string): string | undefined => {
    const found = values[option];
    return typeof found === 'string' ? found : undefined;
  };
  const output = value('output') ?? 'human';
  if (!OUTPUTS.includes(output)) throw new UsageError(`--output is ${OUTPUTS.join(' or ')}, not "${output}"`);
  return { operands: positionals, json: output === 'json', value, flag: (option) => values[option] === true };
}

/** Help and version are answered wherever they stand among the arguments, whatever else is wrong with these. */
export function asksFor(option: 'help' | 'version', args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes(`--${option}`) || options.includes(`-${COMMON_OPTIONS[option]?.short ?? ''}`);
}

type Parsed = {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: string[];
};

function parse({ options }: Verb, args: readonly string[]): Parsed {
  const config = Object.entries({ ...COMMON_OPTIONS, ...options }).map(([name, { value, short }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type, ...(short === undefined ? {} : { short }) }] as const;
  });
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(config), allowPositionals: true });
  } catch (error) {
    // Node's message goes on about positional arguments from its second sentence on.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split(/\.\s|\n/)[0] ?? message);
  }
}
