import type { Side } from '../compareSide';
import type { Compressor, Job, Sink } from '../model';
import { guestChunks } from './guestChunks';
import type { ImageWriter } from './imageWriter';
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
  const total = disk.from.view.guestSize;
  const writer = writerOf(sink, total, target);
  let done = 0;
  for (const chunk of guestChunks(disk)) {
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
  writer.finish();
}

function writerOf(sink: Sink, guestSize: number, target: Target): ImageWriter {
  return target.format === 'raw' ? new RawWriter(sink, guestSize) : new Qcow2Writer(sink, guestSize, target.compressor);
}
