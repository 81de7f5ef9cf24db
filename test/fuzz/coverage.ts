import { Session } from 'node:inspector';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Profiler {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly FunctionCoverage[];
  }[];
}

interface FunctionCoverage {
  readonly functionName: string;
  readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
}

/** Which of the bundle's code is the core's: esbuild names each file in a comment above what came of it. */
const CORE_FILE = /^\/\/ src\/core\/.*$/;
const ANY_FILE = /^\/\/ (?:src|test|node_modules)\//;

/** V8's own block coverage of the core, as it is reached by whatever runs in this thread. */
export class Coverage {
  private readonly session = new Session();
  private readonly url: string;
  /** For each character of the bundle: 1 where the core's code was reached. */
  private readonly reached: Uint8Array;
  private readonly core: Uint8Array;
  private readonly functions = new Map<string, boolean>();

  /** @param bundle the script that this runs in */
  constructor(bundle: string) {
    this.url = pathToFileURL(bundle).href;
    const text = readFileSync(bundle, 'utf8');
    this.reached = new Uint8Array(text.length);
    this.core = markCore(text);
    this.session.connect();
    this.post('Profiler.enable');
    this.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Takes note of what was reached since the last time. @returns how many characters of the core for the first time */
  take(): number {
    const taken = this.post('Profiler.takePreciseCoverage') as Profiler;
    let fresh = 0;
    for (const { url, functions } of taken.result) {
      if (url !== this.url && pathToFileURL(url).href !== this.url) continue;
      for (const each of functions) fresh += this.add(each);
    }
    return fresh;
  }

  /** `functions` reached of those that were seen at all, and those that were not. */
  report(): { readonly reached: number; readonly characters: number; readonly never: readonly string[] } {
    const never = [...this.functions].filter(([, reached]) => !reached).map(([name]) => name.replace(/@\d+$/, ''));
    const count = (all: Uint8Array): number => all.reduce((sum, one) => sum + one, 0);
    return { reached: count(this.reached), characters: count(this.core), never: [...new Set(never)].sort() };
  }

  private add({ functionName, ranges }: FunctionCoverage): number {
    const [whole] = ranges;
    if (!whole || this.core[whole.startOffset] !== 1) return 0;
    const key = `${functionName}@${whole.startOffset}`;
    this.functions.set(key, this.functions.get(key) === true || whole.count > 0);
    if (whole.count === 0) return 0;
    const painted = new Uint8Array(whole.endOffset - whole.startOffset);
    // Inner ranges come after those they lie in.
    for (const { startOffset, endOffset, count } of ranges) {
      painted.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    }
    let fresh = 0;
    for (let i = 0; i < painted.length; i += 1) {
      const at = whole.startOffset + i;
      if (painted[i] !== 1 || this.reached[at] === 1) continue;
      this.reached[at] = 1;
      fresh += 1;
    }
    return fresh;
  }

  private post(method: string, parameters: object = {}): unknown {
    let answer: unknown;
    this.session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}

function markCore(text: string): Uint8Array {
  const core = new Uint8Array(text.length);
  let inCore = false;
  let at = 0;
  for (const line of text.split('\n')) {
    if (ANY_FILE.test(line)) inCore = CORE_FILE.test(line);
    if (inCore) core.fill(1, at, at + line.length + 1);
    at += line.length + 1;
  }
  return core;
}
