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

/** A row of a section that has one column. */
export function row(what: string, measured: number, unit: Unit, bound: Bound = {}): Row {
  const { atMost, atLeast } = bound;
  const aim = atMost !== undefined ? `≤ ${atMost} ${unit}` : atLeast !== undefined ? `≥ ${atLeast} ${unit}` : undefined;
  return { what, aim: aim?.trim(), figures: [figure(measured, unit, bound)] };
}
