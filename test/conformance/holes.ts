import { spawnSync } from 'node:child_process';

/** Programs that can tell where a file's holes are; with any of them, holes must be right to the byte. */
const TOOLS: readonly (readonly string[])[] = [
  ['perl', '-v'],
  ['python3', '--version'],
];

let known: boolean | undefined;

/** True where the platform lets a program find a file's holes, so that counting them as data would be wrong. */
export function holesAreKnown(): boolean {
  known ??= process.platform !== 'win32' && TOOLS.some(([program = '', ...args]) => !spawnSync(program, args).error);
  return known;
}
