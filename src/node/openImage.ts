import * as path from 'node:path';
import type { Environment, OpenedSource, Sniffed } from '../core';
import { DiskError, probeInput, ReadCache, Session, sniff, toWire } from '../core';
import type { NotAnImage, OpenResult } from '../protocol/image';
import type { OpenParams } from '../protocol/worker';
import { openDiskFile } from './diskFile';
import { openFile } from './files';

const HEAD_BYTES = 256;

export type OpenedImage =
  { readonly kind: 'session'; readonly session: Session } | Exclude<OpenResult, { readonly kind: 'image' }>;

/** Opens a file as the image that its content says it is; what is none is described instead. Never throws. */
export function openImage(environment: Environment, { path: file, policy, forceRaw }: OpenParams): OpenedImage {
  let leaf: OpenedSource | undefined;
  let head: Uint8Array | undefined;
  try {
    leaf = (forceRaw ? openFile : openDiskFile)(file, policy);
    const cache = new ReadCache();
    const input = probeInput(cache.of(leaf.source));
    head = input.head.slice(0, HEAD_BYTES);
    const sniffed = sniff(input, path.basename(leaf.identity.archive?.member ?? file));
    if (sniffed.kind === 'image') {
      return { kind: 'session', session: new Session(environment, leaf, { format: sniffed.format, cache }) };
    }
    if (forceRaw) return { kind: 'session', session: new Session(environment, leaf, { format: 'raw', cache }) };
    const what = describe(file, leaf.source.size, sniffed, head);
    leaf.source.close();
    return { kind: 'not-an-image', what };
  } catch (error) {
    leaf?.source.close();
    return {
      kind: 'failed',
      error: toWire(error instanceof DiskError && leaf ? error.in(leaf.identity) : error),
      ...(leaf && { size: leaf.source.size }),
      ...(head && { head }),
    };
  }
}

function describe(
  file: string,
  size: number,
  sniffed: Exclude<Sniffed, { readonly kind: 'image' }>,
  head: Uint8Array,
): NotAnImage {
  const foreign = sniffed.kind === 'foreign-image';
  const advice = foreign
    ? 'This format is not read yet. qemu-img convert -O qcow2 makes a copy that is.'
    : size === 0
      ? 'A copy may have failed, or the file is yet to be written.'
      : (sniffed.advice ?? 'If it is a disk all the same, open it as a raw disk.');
  return { path: file, size, found: sniffed.found, advice, head, foreign, offerRaw: size > 0 && !foreign };
}
