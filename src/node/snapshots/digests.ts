import type { Session, Standpoint } from '../../core';
import { digestDisk, NOW } from '../../core';
import { sha256 } from '../hasher';
import type { Conduct } from './conduct';
import { runJob } from './conduct';

/**
 * What tells two states of disks apart that do not read the same.
 * @param what told while it reads: the whole disk, but for what is known to be zero
 * @throws DiskError when some of it can't be read; `AbortError`
 */
export async function digestOf(
  session: Session,
  what: string,
  conduct: Conduct,
  at: Standpoint = NOW,
): Promise<string> {
  session.stand(at);
  return runJob(digestDisk(session, sha256()), what, conduct);
}
