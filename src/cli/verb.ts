/** What a verb is, and what it is given. */

export const EXIT = { fine: 0, failed: 1, usage: 2 } as const;
/** Of `EXIT`, or what `qemu-img` says with the verb of the same name. */
export type ExitCode = number;

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An option of a verb; one with a `value` takes an argument of that name. */
export interface OptionSpec {
  readonly value?: string;
  readonly short?: string;
  readonly help: string;
}

export interface Invocation {
  /** As many as the verb has operands, or more where the last may be given again and again. */
  readonly operands: readonly string[];
  readonly json: boolean;
  /** The text of an option that takes a value. */
  value(option: string): string | undefined;
  flag(option: string): boolean;
}

export interface Verb {
  /** One word, or two where verbs belong together: `snapshot create`. */
  readonly name: string;
  /** Names of what follows the options: `IMAGE`, `OFFSET`; a last one that ends in `…` stands for one or more. */
  readonly operands: readonly string[];
  /** One line for the list of verbs. */
  readonly summary: string;
  /** Paragraphs for the verb's own help, wrapped. */
  readonly details: string;
  /** Its own options, beside those of every verb. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Exit code of a command line that makes no sense, where 2 means something else here. */
  readonly usageCode?: ExitCode;
  run(invocation: Invocation): ExitCode | Promise<ExitCode>;
}
