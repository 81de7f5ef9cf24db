import type { Direction, Move } from '../snapshots/model';
import { formatBytes } from '../units';

/** What the sentences about a plan are made of, in bytes. */
export interface Reckoning {
  readonly direction: Direction;
  /** Names for people. */
  readonly layer: string;
  readonly parent: string | undefined;
  readonly moves: readonly (Move & { readonly name: string })[];
  readonly other: OtherWay;
  /** What the layer holds of the disk, zeros included. */
  readonly held: number;
  /** What its file takes on the host. */
  readonly takes: number;
  readonly freed: number;
  readonly exact: boolean;
}

/** What the other way would move and free, or why it is closed. */
export type OtherWay =
  | { readonly moves: number; readonly freed: number; readonly hasRoom: boolean }
  | { readonly closed: string | undefined };

/** Why a plan goes the way it goes and frees what it frees, a sentence each. */
export function reasons(reckoning: Reckoning): string[] {
  return [wayOf(reckoning), ...spaceOf(reckoning)];
}

function wayOf({ direction, layer, parent, moves, freed, other }: Reckoning): string {
  const bytes = moves.reduce((sum, move) => sum + move.bytes, 0);
  const what =
    direction === 'commit'
      ? `the data of ${layer} goes down into ${parent ?? ''}`
      : parent === undefined
        ? `what is still read of ${layer} goes up into what stands on it, which then stands by itself`
        : `what is still read of ${layer} goes up into what stands on it, which then stands on ${parent}`;
  if ('closed' in other) {
    return `${what}; the other way is closed${other.closed === undefined ? '' : `: ${other.closed}`}`;
  }
  const way = `the way ${direction === 'commit' ? 'up' : 'down'}`;
  const theirs = other.freed > 0 && other.freed !== freed ? ` and free ${formatBytes(other.freed)}` : '';
  const room = other.hasRoom ? '' : ', for which there is no room';
  return other.moves === bytes && theirs === ''
    ? `${what}: ${way} would move as much${room}`
    : `${what}: ${formatBytes(bytes)} to move, where ${way} would move ${formatBytes(other.moves)}${theirs}${room}`;
}

function spaceOf({ direction, layer, moves, held, takes, freed, exact }: Reckoning): string[] {
  const sentences: string[] = [];
  const atMost = exact ? '' : 'at most ';
  for (const { name, bytes, growth } of moves) {
    if (bytes === 0) {
      sentences.push(`nothing of ${layer} has to be copied into ${name}`);
      continue;
    }
    sentences.push(
      direction === 'commit'
        ? `${atMost}${formatBytes(bytes)} are copied into ${name}, which grows by ${formatBytes(Math.max(0, growth))}` +
            (growth < bytes ? ': the rest replaces what it has there already' : '')
        : `of the ${formatBytes(held)} that ${layer} holds, ${atMost}${formatBytes(bytes)} are still read by ${name}, so they have to be copied into it`,
    );
  }
  if (moves.length > 1 && direction === 'pull') {
    sentences.push(`each of the ${moves.length} images that stand on ${layer} gets a copy of its own`);
  }
  if (freed > 0) {
    sentences.push(
      `the file of ${layer} takes ${formatBytes(takes)}; ${exact ? '' : 'at least '}${formatBytes(freed)} of them come free`,
    );
  } else if (freed === 0) sentences.push(`nothing comes free: all of what ${layer} takes is needed elsewhere`);
  else {
    sentences.push(
      `nothing comes free: the images together take ${atMost}${formatBytes(-freed)} more in the end, since what ${layer} holds once is needed more than once or in larger clusters`,
    );
  }
  return sentences;
}
