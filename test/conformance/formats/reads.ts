import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mapEntries } from '../../support/map';
import { withSession } from '../../support/session';
import { type Digest, digestBy } from './contentHash';

/** @throws AssertionError when a chain reads otherwise, or leaves some unread */
export async function assertReadsAs(folder: string, image: string, content: Digest): Promise<void> {
  await withSession(join(folder, image), undefined, ({ session, picture }) => {
    const { guestSize } = session.view;
    assert.equal(guestSize, content.size, 'size of the disk');
    const held = mapEntries(session)
      .filter(({ data }) => data)
      .map(({ start, length }) => [start, start + length] as const);
    const digest = digestBy(guestSize, held, (offset, target) => {
      assert.deepEqual(session.read(picture, offset, target), [], `gaps at ${offset}`);
    });
    assert.deepEqual(digest, content);
  });
}
