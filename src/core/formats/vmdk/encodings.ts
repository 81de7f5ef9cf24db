import { text } from '../../bytes';
import type { Finding } from '../../model';

const latin1 = (bytes: Uint8Array): string => {
  let characters = '';
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return characters;
};

/**
 * The text of a descriptor, in the encoding that it says it has: `windows-1252`, `Shift_JIS` … UTF-8 where it says none.
 * @param bytes up to their end, or to the first NUL
 */
export function decodeText(bytes: Uint8Array): { readonly text: string; readonly findings: readonly Finding[] } {
  const end = bytes.indexOf(0);
  const told = end < 0 ? bytes : bytes.subarray(0, end);
  const isAscii = told.every((byte) => byte < 0x80);
  const [, encoding] = isAscii ? [] : (/^\s*encoding\s*=\s*"?([\w.:-]+)"?/im.exec(latin1(told)) ?? []);
  if (encoding === undefined) return { text: withoutMark(text(told)), findings: [] };
  try {
    return { text: withoutMark(new TextDecoder(encoding).decode(told)), findings: [] };
  } catch {
    const message = `the descriptor is said to be in an encoding that is not known here (${encoding}): it is read as UTF-8`;
    return {
      text: withoutMark(text(told)),
      findings: [{ code: 'descriptor', severity: 'warning', message, advice: 'Names in it may be read wrong.' }],
    };
  }
}

const withoutMark = (characters: string): string => characters.replace(/^\ufeff/, '');
