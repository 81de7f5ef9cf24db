import type { Side } from '../../core/compareSide';
import { flattenPieces } from '../../core/convert/flatten';
import type { WireError } from '../../core/errors';
import { toWire } from '../../core/errors';
import { finish } from '../../core/session';
import type { Progress, Sink } from '../../core/model';
import { codecsReady } from '../codecs';
import type { SharedClaims } from '../crew/claims';
import { Claims } from '../crew/claims';
import type { DiskElsewhere } from '../sameDisk';
import { withSameDisk } from '../sameDisk';
import { WritableFile } from '../writableFile';

/** What a helper thread is told of a raw copy that it writes a share of. */
export interface FlattenShare {
  readonly disk: DiskElsewhere;
  /** The file in the making, which is there, and the name that it is to have. */
  readonly file: { readonly path: string; readonly id: string; readonly target: string };
  readonly claims: SharedClaims;
}

/** Where a share ended before its time. */
export interface ShareFailure<E> {
  /** The piece that could not be copied; what it comes after was. */
  readonly piece: number;
  readonly error: E;
}

/**
 * Copies pieces as long as there are some to claim. When one fails nobody gets another: then of all that failed the first
 * piece is what a copy by one thread would have failed at, since those before it were claimed before.
 */
export function* copyShare(
  disk: Side,
  sink: Sink,
  claims: Claims,
): Generator<Progress, ShareFailure<unknown> | undefined, void> {
  let piece = 0;
  const pieces = {
    next: () => {
      const claimed = claims.next();
      piece = claimed ?? piece;
      return claimed;
    },
  };
  try {
    yield* flattenPieces(disk, sink, pieces);
    return undefined;
  } catch (error) {
    claims.close();
    return { piece, error };
  }
}

/** A helper's task. It does nothing where it can't see the disk that it is to copy. */
export async function flattenShare(share: FlattenShare): Promise<ShareFailure<WireError> | null> {
  await codecsReady();
  const failure = await withSameDisk(share.disk, (disk) => {
    const { path, id, target } = share.file;
    const file = WritableFile.openAgain(path, id, target);
    try {
      return finish(copyShare(disk, file, Claims.from(share.claims)));
    } finally {
      file.close();
    }
  });
  return failure ? { piece: failure.piece, error: toWire(failure.error) } : null;
}
