import { tarMembers } from '../../archive/tar';

/** The files in a tar archive held in memory, up to the first of which not all is there. */
export function* tarFiles(archive: Uint8Array): Generator<{ readonly name: string; readonly bytes: Uint8Array }> {
  const read = (at: number, length: number): Uint8Array => archive.subarray(at, at + length);
  for (const { name, start, size } of tarMembers(read, archive.length)) {
    if (size > archive.length - start) return;
    yield { name, bytes: archive.subarray(start, start + size) };
  }
}
