/** What the bench prints and keeps as JSON. */
export interface Section {
  readonly title: string;
  /** The heads of the columns of figures. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly what: string;
  /** In words, where there is one. */
  readonly aim?: string | undefined;
  /** One a column; null where it was not measured. */
  readonly figures: readonly (Figure | null)[];
  /** Belongs into a short table. */
  readonly headline?: boolean | undefined;
}

export type Unit = 'ms' | 's' | 'MiB' | '×' | 'reads' | '%' | '';

export interface Figure {
  readonly measured: number;
  readonly unit: Unit;
  /** Whether the aim is met; left out where there is none. */
  readonly met?: boolean | undefined;
}

export interface Bound {
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}

const MIB = 2 ** 20;

export function figure(measured: number, unit: Unit, bound: Bound = {}): Figure {
  const { atMost, atLeast } = bound;
  if (atMost === undefined && atLeast === undefined) return { measured, unit };
  return { measured, unit, met: measured <= (atMost ?? Infinity) && measured >= (atLeast ?? -Infinity) };
}

export const mebibytes = (bytes: number, bound?: Bound): Figure => figure(bytes / MIB, 'MiB', bound);

export const headline = (of: Row): Row => ({ ...of, headline: true });

/** Words for a bound, or undefined where there is none. */
export function aimOf({ atMost, atLeast }: Bound, unit: Unit): string | undefined {
  if (atMost !== undefined) return `≤ ${atMost} ${unit}`.trim();
  return atLeast === undefined ? undefined : `≥ ${atLeast} ${unit}`.trim();
}

/** A row of a section that has one column. */
export function row(what: string, measured: number, unit: Unit, bound: Bound = {}): Row {
  return { what, aim: aimOf(bound, unit), figures: [figure(measured, unit, bound)] };
}
