// Options of scripts that are whole numbers.
import { parseArgs } from 'node:util';

/**
 * Reads `--NAME N` for each name, as digits; ends the process with 2 where one is something else.
 * @template {string} N
 * @param {Readonly<Record<N, string | undefined>>} defaults what an option is when it is left out; `seed` is today's own then
 * @returns {Record<N, string | undefined> & { seed: string }}
 */
export function numberOptions(defaults) {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]),
  );
  const { values } = parseArgs({ options });
  values.seed ??= String(Math.floor(Date.now() / 86_400_000));
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || /^\d+$/.test(value)) continue;
    console.error(`--${name} takes a number, not “${value}”`);
    process.exit(2);
  }
  return values;
}
