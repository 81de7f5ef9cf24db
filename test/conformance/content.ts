import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { withSession } from '../support/session';

/** Not a multiple of any cluster size, so that reads begin and end inside clusters. */
const PIECE = 1_000_001;

/**
 * @param expected the SHA-256 of what a guest reads of the first `size` bytes: all of them, except for a snapshot, of
 *   which qemu-img may not read the end
 * @throws AssertionError when reading the chain gives other bytes, or leaves some unread
 */
export async function assertReads(
  folder: string,
  image: string,
  expected: { readonly size: number; readonly sha256: string },
  snapshot?: string,
): Promise<void> {
  await withSession(join(folder, image), snapshot, ({ session, picture }) => {
    const hash = createHash('sha256');
    const { size } = expected;
    if (snapshot === undefined) assert.equal(session.view.guestSize, size, 'size of the disk');
    else assert(session.view.guestSize >= size, `${session.view.guestSize} bytes are less than ${size}`);
    for (let offset = 0; offset < size; offset += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, size - offset)).fill(0xee);
      assert.deepEqual(session.read(picture, offset, piece), [], `gaps in [${offset}, ${offset + piece.length})`);
      hash.update(piece);
    }
    assert.equal(hash.digest('hex'), expected.sha256);
  });
}
