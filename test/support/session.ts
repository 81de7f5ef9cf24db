import { finish, type Picture, Session } from '../../src/core';
import { codecsReady } from '../../src/node/codecs';
import { createEnvironment } from '../../src/node/environment';
import { openFile } from '../../src/node/files';
import { TRUST_ALL } from '../../src/node/gate';

export interface OpenSession {
  readonly session: Session;
  readonly picture: Picture;
}

/** Runs `use` with the core's own view of an image, the current state or an internal snapshot by its id. */
export async function withSession<T>(
  image: string,
  snapshot: string | undefined,
  use: (open: OpenSession) => T,
): Promise<T> {
  await codecsReady();
  const session = new Session(createEnvironment(TRUST_ALL), openFile(image, TRUST_ALL));
  try {
    if (snapshot !== undefined) session.stand(session.snapshotNamed(snapshot));
    return use({ session, picture: finish(session.scan()) });
  } finally {
    session.close();
  }
}
