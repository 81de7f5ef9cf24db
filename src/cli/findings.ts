import type { Finding } from '../core';
import { formatOffset } from '../core';
import { paint, plain } from './text';

/** A finding in JSON. */
export function findingJson({ code, severity, message, advice, offset }: Finding): Record<string, unknown> {
  return {
    code,
    severity,
    message,
    ...(advice === undefined ? {} : { advice }),
    ...(offset === undefined ? {} : { offset }),
  };
}

export const placeOf = (offset: number | undefined): string =>
  offset === undefined ? '' : ` (at ${formatOffset(offset)} of the file)`;

/** A finding as one line: what, where, what to do. */
export function findingSentence({ message, advice, offset }: Finding): string {
  return plain(`${message}${placeOf(offset)}${advice === undefined ? '' : `. ${advice}`}`);
}

export const STYLE = { info: 'cyan', warning: 'yellow', error: 'red' } as const;

/** A finding as one or two lines: what and where; what to do. */
export function findingLines({ severity, message, advice, offset }: Finding, about?: string): string[] {
  const whose = about === undefined ? '' : `${plain(about)}: `;
  const mark = paint(STYLE[severity], severity.padEnd(7));
  return [
    `${mark}  ${whose}${plain(message)}${placeOf(offset)}`,
    ...(advice === undefined ? [] : [`         ${plain(advice)}`]),
  ];
}
