import type { Side } from '../compareSide';
import type { Compressor, Job, Sink } from '../model';
import { guestChunks } from './guestChunks';
import type { ImageWriter } from './imageWriter';
import type { Pieces } from './pieces';
import { Qcow2Writer } from './qcow2/writer';
import { RawWriter } from './rawWriter';

/** What kind of image is written. */
export type Target =
  { readonly format: 'raw' } | { readonly format: 'qcow2'; readonly compressor?: Compressor | undefined };

/**
 * Writes the guest's bytes, as a disk has them, to a new image that stands by itself. Progress is in bytes
 * of the disk. What is written before an error, or when the job is dropped, is of no use.
 * @throws DiskError when some of the disk can't be known (see `guestChunks`), `io` when the sink can't be written,
 * `limit` when the disk is too large for the format
 */
export function* flatten(disk: Side, sink: Sink, target: Target): Job<void> {
  const writer = writerOf(sink, disk.from.view.guestSize, target);
  yield* copy(disk, writer);
  writer.finish();
}

/**
 * The same for some pieces of a raw image, which others write the rest of. Its size is set by who knows when all are done.
 * @param pieces the next one is asked for when the one before is written
 * @throws DiskError as `flatten` does, at the first byte of these pieces
 */
export function flattenPieces(disk: Side, sink: Sink, pieces: Pieces): Job<void> {
  return copy(disk, new RawWriter(sink, disk.from.view.guestSize), pieces);
}

function* copy(disk: Side, writer: ImageWriter, pieces?: Pieces): Job<void> {
  const total = disk.from.view.guestSize;
  let done = 0;
  for (const chunk of guestChunks(disk, pieces)) {
    yield { done, total };
    if (!chunk) continue;
    const { offset, bytes, start, end } = chunk;
    for (let at = start; at < end; at += writer.step) {
      const next = Math.min(at + writer.step, end);
      writer.write(offset + at, bytes.subarray(at, next));
      done = offset + next;
      yield { done, total };
    }
  }
}

function writerOf(sink: Sink, guestSize: number, target: Target): ImageWriter {
  return target.format === 'raw' ? new RawWriter(sink, guestSize) : new Qcow2Writer(sink, guestSize, target.compressor);
}
