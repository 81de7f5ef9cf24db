import { setImmediate } from 'node:timers/promises';
import type { Finding, QemuMapEntry, Session } from '../../core';
import { mergeable, OF_NOTHING } from '../../core';
import type { GatePolicy, MapFormat } from '../../protocol/worker';
import { inOrder, shareOrder } from '../crew/inOrder';
import type { RunningTask } from '../crew/start';
import { startTask } from '../crew/start';
import type { StopToken } from '../slices';
import type { EntryText, MapLayout } from './mapLayout';
import { layoutOf } from './mapLayout';
import type { MapPiece, MapPieceResult, Unknown } from './mapPiece';
import { countUnknown, MapPieces } from './mapPiece';
import { elsewhere } from '../sameDisk';
import { helpersFor } from './worth';

/** What is to be said about a map besides the map. */
export interface MapRemarks {
  readonly unknown: Unknown;
  /** By depth, layers whose tables can't be read somewhere. */
  readonly failures: ReadonlyMap<number, Finding>;
}

export interface MapWriting {
  readonly format: MapFormat;
  /** By which the session's chain was opened. */
  readonly policy: GatePolicy;
  /** Is given the text in order. */
  readonly write: (text: Uint8Array) => void;
  /** Is told how many bytes of the disk are written. */
  readonly progress: (done: number) => void;
  readonly token?: StopToken;
}

export interface WrittenMap extends MapRemarks {
  readonly entries: number;
}

/**
 * Writes the map from a session's standpoint, made by two threads where it is large. Stopped it writes no more, and what is
 * returned is of what was written.
 */
export async function writeMap(
  session: Session,
  { format, policy, write, progress, token }: MapWriting,
): Promise<WrittenMap> {
  const { from } = session;
  const { guestSize } = from.view;
  const layout = layoutOf(format, session);
  const joiner = new MapJoiner(layout, write);
  const own = new MapPieces(session, layout);
  const { pieceBytes } = own;
  const order = shareOrder(Math.ceil(guestSize / pieceBytes));
  let tasks: readonly RunningTask<MapPieceResult | undefined>[] = [];
  try {
    if (guestSize === 0) joiner.entry(OF_NOTHING);
    const params = { disk: elsewhere(session, policy), format, pieceBytes, order };
    await inOrder<MapPiece>({
      order,
      token,
      make: (index) => own.make(index),
      use: async (piece) => {
        for (const each of own.whole(piece)) {
          joiner.piece(each);
          progress(each.end);
          // Most are whole; a part of the disk that is torn to many pieces is made here, while messages wait.
          if (each !== piece) await setImmediate();
          if (token?.stopped) return;
        }
      },
      start: (arrived) => {
        const helpers = Math.min(helpersFor(session), order.claims.count - 1);
        tasks = Array.from({ length: helpers }, () =>
          startTask('mapPieces', params, {
            onPart: (piece) => {
              arrived(piece.index, piece);
            },
          }),
        );
        return tasks;
      },
    });
    const { unknown } = joiner;
    if (token?.stopped) return { unknown, entries: joiner.entries, failures: own.result.failures };
    joiner.end();
    const others = await Promise.all(tasks.map(({ done }) => done.catch(() => undefined)));
    const results = [own.result, ...others.flatMap((each) => each ?? [])];
    session.scanned(from, results);
    const failures = new Map(results.flatMap((each) => [...each.failures]));
    return { unknown, entries: joiner.entries, failures };
  } finally {
    own.close();
  }
}

/** Joins pieces to one text: an entry that goes on past the edge of a piece is one. */
export class MapJoiner {
  readonly unknown = { ranges: 0, bytes: 0 };
  /** How many are written. */
  entries = 0;
  private readonly text: EntryText;
  private readonly encoder = new TextEncoder();
  private pending: QemuMapEntry | undefined;
  private before: string;

  constructor(
    private readonly layout: MapLayout,
    private readonly write: (text: Uint8Array) => void,
  ) {
    this.text = layout.entries();
    this.before = layout.before;
  }

  piece({ first, last, text, between, unknown }: MapPiece): void {
    this.entry(first);
    this.unknown.ranges += unknown.ranges;
    this.unknown.bytes += unknown.bytes;
    if (!last) return;
    this.flush();
    if (between > 0) this.put(text, between);
    this.pending = last;
  }

  entry(entry: QemuMapEntry): void {
    const { pending } = this;
    if (pending && mergeable(pending, entry)) {
      this.pending = { ...pending, length: pending.length + entry.length };
      return;
    }
    this.flush();
    this.pending = entry;
  }

  end(): void {
    this.flush();
    this.write(this.encoder.encode(this.layout.after));
  }

  private flush(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = undefined;
    countUnknown(this.unknown, pending);
    this.text.add(pending);
    this.put(this.text.take(), 1);
  }

  private put(text: Uint8Array, entries: number): void {
    this.write(this.encoder.encode(this.before));
    this.before = this.layout.between;
    this.write(text);
    this.entries += entries;
  }
}
