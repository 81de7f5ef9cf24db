import type { ChainEnd, ChainEndKind } from '../core/model';
import type { LayerSummary } from './image';

/** What is told of a layer besides what a check of its own tables finds. */
type Told = Pick<LayerSummary, 'depth' | 'facts' | 'findings'>;

/** A message longer than this is cut: it stands in full in the Problems panel. */
const LONGEST = 80;

const BROKEN: Readonly<Record<Exclude<ChainEndKind, 'base'>, readonly [below: string, further: string]>> = {
  missing: ['its parent is missing', 'a parent further down is missing'],
  refused: ['its parent was not opened', 'a parent further down was not opened'],
  cycle: ['its chain runs in a circle', 'its chain runs in a circle'],
  'too-deep': ['its chain is too long', 'its chain is too long'],
};

/** How a layer's content is encrypted, `luks (aes-256-xts)`; undefined where it is not. */
export function encryptionOf({ facts }: Pick<LayerSummary, 'facts'>): string | undefined {
  const method = facts.find(({ label }) => label === 'Encryption')?.value;
  return method === undefined ? undefined : String(method);
}

/**
 * Why a layer whose tables are consistent is not fine for all that: an error that opening it found, a chain that breaks
 * below it, or content that no check can look into. Undefined where nothing is known against it.
 */
export function reservation(layer: Told, { layers, end }: ChainOf): string | undefined {
  const broken = end.kind === 'base' ? undefined : end;
  // The last layer has the broken end among its findings as well.
  const errors = layer.findings.filter(({ severity, message }) => severity === 'error' && message !== broken?.message);
  const [first] = errors;
  const all = [
    ...(first ? [cut(first.message) + more(errors.length - 1)] : []),
    ...(broken ? [BROKEN[broken.kind][layer.depth === layers.length - 1 ? 0 : 1]] : []),
    ...(encryptionOf(layer) === undefined ? [] : ['its content is encrypted and could not be looked at']),
  ];
  return all.length === 0 ? undefined : all.join(', and ');
}

/** What a layer stands on: its chain. */
interface ChainOf {
  readonly layers: readonly unknown[];
  readonly end: ChainEnd;
}

const more = (errors: number): string =>
  errors === 0 ? '' : ` (and ${errors} more ${errors === 1 ? 'error' : 'errors'})`;

const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text);
