/**
 * VS Code's glob patterns as one test: `**` any folders, `*` and `?` within a name, `[a-z]`, `{one,two}`. A pattern is
 * matched against a path relative to the workspace folder, with `/` on every system. A pattern that names a folder also
 * means all that is in it.
 *
 * A pattern may come from a folder that nobody trusts: each character of a path is looked at once for each character of
 * the pattern at most, whatever the two hold.
 */
export function matchAny(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map(compile);
  return (path) => tests.some((test) => test(path));
}

/** One place in a pattern. */
interface State {
  /** Whether a character leads on from here; where there is none, `next` is reached without reading. */
  readonly reads?: (character: string) => boolean;
  readonly next: number[];
}

/** All places of a pattern: it begins at the first. */
interface Automaton {
  readonly states: readonly State[];
  readonly end: number;
}

const TOKEN = /\*\*\/|\*\*|\*|\?|\[[!^]?[^\]/]+\]|[^]/gu;

const any = (): boolean => true;
const withinName = (character: string): boolean => character !== '/';
const isSlash = (character: string): boolean => character === '/';

function compile(pattern: string): (path: string) => boolean {
  const automaton = parse(pattern.replace(/\/(\*\*)?$/, '').replace(/^\.?\//, ''));
  return (path) => matches(automaton, path);
}

function parse(body: string): Automaton {
  const states: State[] = [{ next: [] }];
  /** @returns a place that `from` leads to */
  const after = (from: number, reads?: State['reads']): number => {
    states[from]?.next.push(states.length);
    states.push(reads ? { reads, next: [] } : { next: [] });
    return states.length - 1;
  };
  const read = (from: number, reads: (character: string) => boolean): number => after(after(from, reads));
  const loop = (from: number, reads: (character: string) => boolean): void => {
    states[after(from, reads)]?.next.push(from);
  };

  const groups: { readonly start: number; readonly ends: number[] }[] = [];
  let at = 0;
  const closeGroup = (): void => {
    const ends = [...(groups.pop()?.ends ?? []), at];
    at = states.length;
    states.push({ next: [] });
    for (const end of ends) states[end]?.next.push(at);
  };
  for (const [token] of body.matchAll(TOKEN)) {
    const group = groups.at(-1);
    if (token === '**/') {
      at = after(at);
      const name = after(at);
      loop(name, withinName);
      states[after(name, isSlash)]?.next.push(at);
    } else if (token === '**' || token === '*') {
      at = after(at);
      loop(at, token === '*' ? withinName : any);
    } else if (token === '?') {
      at = read(at, withinName);
    } else if (token === '{') {
      groups.push({ start: at, ends: [] });
      at = after(at);
    } else if (token === ',' && group) {
      group.ends.push(at);
      at = after(group.start);
    } else if (token === '}' && group) {
      closeGroup();
    } else {
      at = read(at, token.length > 2 && token.startsWith('[') ? oneOf(token) : (character) => character === token);
    }
  }
  while (groups.length > 0) closeGroup();
  return { states, end: at };
}

/** @param token `[abc]`, `[a-z]`, or all others: `[!a-z]`, `[^a-z]` */
function oneOf(token: string): (character: string) => boolean {
  const negated = /^\[[!^]/.test(token);
  const characters = Array.from(token.slice(negated ? 2 : 1, -1));
  const ranges: (readonly [number, number])[] = [];
  for (let i = 0; i < characters.length; i += 1) {
    const [first = '', dash, last] = characters.slice(i, i + 3);
    const isRange = dash === '-' && last !== undefined;
    ranges.push([codeOf(first), codeOf(isRange ? last : first)]);
    if (isRange) i += 2;
  }
  return (character) => {
    const code = codeOf(character);
    return withinName(character) && ranges.some(([from, to]) => code >= from && code <= to) !== negated;
  };
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;

/** Follows all ways through the pattern at once: no character is read twice. */
function matches({ states, end }: Automaton, path: string): boolean {
  /** By place: the number of characters after which it was last reached. */
  const reachedAt = new Int32Array(states.length).fill(-1);
  const reach = (from: readonly number[], length: number): number[] => {
    const reading: number[] = [];
    const open = [...from];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (reachedAt[place] === length) continue;
      reachedAt[place] = length;
      const state = states[place];
      if (state?.reads) reading.push(place);
      else open.push(...(state?.next ?? []));
    }
    return reading;
  };

  let length = 0;
  let reading = reach([0], length);
  for (const character of path) {
    if (character === '/' && reachedAt[end] === length) return true;
    const read = reading.filter((place) => states[place]?.reads?.(character));
    if (read.length === 0) return false;
    length += 1;
    reading = reach(
      read.flatMap((place) => states[place]?.next ?? []),
      length,
    );
  }
  return reachedAt[end] === length;
}
