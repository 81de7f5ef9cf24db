import { finish, type Picture, Session } from '../../src/core';
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
  const environment = await createEnvironment(TRUST_ALL);
  const session = new Session(environment, openFile(image, TRUST_ALL), true);
  try {
    if (snapshot !== undefined) session.stand(session.snapshotNamed(snapshot));
    return use({ session, picture: finish(session.scan()) });
  } finally {
    session.close();
  }
}
