import { commandLine } from '../core';
import { stdoutIsTerminal } from './output';

/** What makes text in a terminal: styles, columns, bars. */

/** Control, line and direction characters, and tags: in a name from an image they could rewrite what is shown. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

/** Text from an image or a file system, safe to print on one line. */
export const plain = (text: string): string => text.replace(UNPRINTABLE, '\ufffd');

/** One of our own commands, for a person to copy. */
export const ourCommand = (...words: readonly string[]): string =>
  plain(commandLine(['vmdisk', ...words], process.platform === 'win32'));

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

/** Colours text where stdout is a terminal and the user has not asked for none (https://no-color.org). */
export function paint(style: Style, text: string): string {
  return colours() ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

function colours(): boolean {
  return stdoutIsTerminal() && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

const PAINT = /\u001b\[\d+m/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200d]/u;

/** Columns that a terminal gives to the text. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replace(PAINT, '')) width += NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** Lines of a table with a title row; a column that is empty throughout is left out. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const used = columns.map((_, index) => rows.some((row) => (row[index] ?? '') !== ''));
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, index) => Math.max(...[titles, ...rows].map((row) => widthOf(row[index] ?? ''))));
  const line = (cells: readonly string[]): string => {
    const padded = columns.map(({ align }, index) => pad(cells[index] ?? '', widths[index] ?? 0, align));
    return padded
      .filter((_, index) => used[index])
      .join('  ')
      .trimEnd();
  };
  return [paint('dim', line(titles)), ...rows.map(line)];
}

export function pad(text: string, width: number, align?: 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

export const indent = (lines: readonly string[], by = '  '): string[] => lines.map((line) => by + line);

/**
 * A bar of two parts, solid and hatched, on a scale that is `full` long. What is not nothing is seen: it has one
 * character at least.
 */
export function bar(solid: number, hatched: number, full: number, width: number): string {
  const cells = (amount: number): number =>
    amount <= 0 || full <= 0 ? 0 : Math.max(1, Math.round((amount / full) * width));
  const solidCells = Math.min(cells(solid), hatched > 0 ? width - 1 : width);
  const hatchedCells = Math.min(cells(hatched), width - solidCells);
  return '█'.repeat(solidCells) + '░'.repeat(hatchedCells);
}
