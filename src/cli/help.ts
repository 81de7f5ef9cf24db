import { COMMON_OPTIONS } from './args';
import type { OptionSpec, Verb } from './verb';

const ABOUT = `vmdisk: which layer of a virtual machine's disk owns what, and why.

It opens images for reading only, and what it makes is a new file. The verbs that change images in place (snapshot delete,
snapshot relocate, repair …) have qemu-img do it, tell each command before it runs, and verify what comes of it.
Answers go to stdout, progress and errors to stderr.`;

const EXIT_CODES = `Exit codes: 0 fine, 1 failed, 2 wrong usage.`;

export function mainHelp(verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map((verb) => usageOf(verb).length));
  const list = verbs.map((verb) => `  ${usageOf(verb).padEnd(width)}  ${verb.summary}`);
  return [
    ABOUT,
    '',
    'Usage: vmdisk VERB [OPTIONS] …',
    '',
    ...list,
    '',
    'vmdisk VERB --help says more of a verb.',
    EXIT_CODES,
  ].join('\n');
}

export function verbHelp(verb: Verb): string {
  const options = Object.entries({ ...verb.options, ...COMMON_OPTIONS });
  const width = Math.max(...options.map(([name, option]) => optionText(name, option).length));
  const list = options.map(([name, option]) => `  ${optionText(name, option).padEnd(width)}  ${option.help}`);
  return [
    `Usage: vmdisk ${usageOf(verb, '[OPTIONS] ')}`,
    '',
    verb.details.trim(),
    '',
    'Options:',
    ...list,
    // A verb with codes of its own tells them with its details.
    ...(verb.details.includes('Exit codes') ? [] : ['', EXIT_CODES]),
  ].join('\n');
}

const usageOf = ({ name, operands }: Verb, options = ''): string => `${name} ${options}${operands.join(' ')}`;

function optionText(name: string, { value, short }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}
