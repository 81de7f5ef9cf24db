import { formatClock, formatDay } from '../core/units';

/** Making text that an image controls safe to show: names, paths and messages from a disk are an attacker's words. */

const LONGEST = 400;

/**
 * One plain line: control characters and those that reorder or hide text are shown by their code points, and what is
 * very long is cut.
 */
export function plain(text: string, longest = LONGEST): string {
  const visible = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return visible.length > longest ? `${visible.slice(0, longest)}…` : visible;
}

/**
 * The same for a notification: VS Code makes `[text](command:…)` a live link there and has no way to escape it, so its
 * middle is parted.
 */
export function message(text: string): string {
  return plain(text).replace(/\]\(/g, '] (');
}

/** The same for Markdown: every punctuation mark is escaped, so nothing becomes a link, an image or markup. */
export function markdown(text: string): string {
  return plain(text).replace(/[!-/:-@[-`{-~]/g, '\\$&');
}

/** The same for a label, where `$(name)` would show as a product icon. */
export function withoutIcons(text: string): string {
  return text.replaceAll('$(', '\\$(');
}

/** With a capital first: messages are written to stand after a file's name. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As code within Markdown, for paths: no character of it has a meaning, and a table's bars stay out of it. */
export function code(text: string): string {
  const content = plain(text).replace(/\|/g, '¦');
  const longestRun = Math.max(0, ...(content.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longestRun + 1);
  return longestRun > 0 ? `${fence} ${content} ${fence}` : `${fence}${content}${fence}`;
}

/** `14 Mar 2026 09:05`, in the machine's own time zone. */
export function formatMoment(time: number): string {
  return `${formatDay(time)} ${formatClock(time)}`;
}

/** `1 warning`, `3 warnings`. */
export function count(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML, in text and in a quoted attribute: no mark of it is markup. Nothing is made visible or cut. */
export function entities(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark);
}
