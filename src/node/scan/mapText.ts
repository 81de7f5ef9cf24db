import type { Finding, Layer, QemuMapEntry, Session } from '../../core';
import { JSON_AFTER, JSON_BEFORE, JSON_BETWEEN, MapText, mergeable, OF_NOTHING } from '../../core';
import type { Side } from '../../core/compareSide';
import { SUBCLUSTERS } from '../../core/formats/qcow2/mapping';
import type { GatePolicy } from '../../protocol/worker';
import { inOrder, shareOrder } from '../crew/inOrder';
import type { RunningTask } from '../crew/start';
import { startTask } from '../crew/start';
import type { MapPiece, MapPieceResult, Unknown } from './mapPiece';
import { countUnknown, MAX_PIECE_ENTRIES, MapPieces } from './mapPiece';
import { elsewhere } from '../sameDisk';
import { helpersFor } from './worth';

/** Of raw layers, which have no tables: a hole may begin at any sector, and few do. */
const RAW_GRAIN = 65536;
const MAX_PIECES = 1 << 20;

/** What is to be said about a map besides the map. */
export interface MapRemarks {
  readonly unknown: Unknown;
  /** By depth, layers whose tables can't be read somewhere. */
  readonly failures: ReadonlyMap<number, Finding>;
}

/**
 * Writes the map from a session's standpoint as `qemu-img map --output=json` prints it, made by two threads where it is
 * large.
 * @param write is given the text in order
 * @param progress is told how many bytes of the disk are written
 */
export async function writeMapJson(
  session: Session,
  policy: GatePolicy,
  write: (text: Uint8Array) => void,
  progress: (done: number) => void,
): Promise<MapRemarks> {
  const { from } = session;
  const { guestSize } = from.view;
  const joiner = new MapJoiner(write);
  const pieceBytes = pieceBytesOf(session);
  const order = shareOrder(Math.ceil(guestSize / pieceBytes));
  const own = new MapPieces(session, pieceBytes);
  let tasks: readonly RunningTask<MapPieceResult | undefined>[] = [];
  try {
    if (guestSize === 0) joiner.entry(OF_NOTHING);
    const params = { disk: elsewhere(session, policy), pieceBytes, order };
    await inOrder<MapPiece>({
      order,
      make: (index) => own.make(index),
      use: (piece) => {
        for (const each of own.whole(piece)) {
          joiner.piece(each);
          progress(each.end);
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
    joiner.end();
    const others = await Promise.all(tasks.map(({ done }) => done.catch(() => undefined)));
    const results = [own.result, ...others.flatMap((each) => each ?? [])];
    session.scanned(from, results);
    return { unknown: joiner.unknown, failures: new Map(results.flatMap(({ failures }) => [...failures])) };
  } finally {
    own.close();
  }
}

/** How much of the disk a piece is: as many units of the finest tables as it may have entries, a power of two. */
export function pieceBytesOf({ chain: { layers }, from }: Side): number {
  const tables = layers.slice(from.depth).filter(({ layer }) => layer.format !== 'raw');
  const finest = tables.length === 0 ? RAW_GRAIN : Math.min(...tables.map(({ layer }) => unitOf(layer)));
  const least = from.view.guestSize / MAX_PIECES;
  return Math.max(MAX_PIECE_ENTRIES * finest, 2 ** Math.ceil(Math.log2(Math.max(1, least))));
}

const unitOf = ({ grain, info }: Layer): number =>
  info['format-specific']?.data['extended-l2'] === true ? grain / SUBCLUSTERS : grain;

/** Joins pieces to one text: an entry that goes on past the edge of a piece is one. */
export class MapJoiner {
  readonly unknown = { ranges: 0, bytes: 0 };
  private readonly text = new MapText();
  private readonly encoder = new TextEncoder();
  private pending: QemuMapEntry | undefined;
  private before = JSON_BEFORE;

  constructor(private readonly write: (text: Uint8Array) => void) {}

  piece({ first, last, text, unknown }: MapPiece): void {
    this.entry(first);
    this.unknown.ranges += unknown.ranges;
    this.unknown.bytes += unknown.bytes;
    if (!last) return;
    this.flush();
    if (text.length > 0) this.between(text);
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
    this.write(this.encoder.encode(JSON_AFTER));
  }

  private flush(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = undefined;
    countUnknown(this.unknown, pending);
    this.text.add(pending);
    this.between(this.text.take());
  }

  private between(text: Uint8Array): void {
    this.write(this.encoder.encode(this.before));
    this.before = JSON_BETWEEN;
    this.write(text);
  }
}
