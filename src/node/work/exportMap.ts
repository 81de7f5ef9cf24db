import type { Progress, Session } from '../../core';
import type { GatePolicy, MapFormat } from '../../protocol/worker';
import { NewFile } from '../newFile';
import { writeMap } from '../scan/mapText';
import type { StopToken } from '../slices';

/** Text is gathered to pieces of about this many bytes before it is written. */
const PIECE_BYTES = 1 << 20;

export interface ExportJob {
  readonly format: MapFormat;
  readonly target: string;
  /** By which the session's chain was opened. */
  readonly policy: GatePolicy;
  readonly token: StopToken;
  readonly progress: (progress: Progress) => void;
}

/**
 * Writes the map from a session's standpoint to a new file. Stopped or failed it leaves none.
 * @returns how many entries the map has; undefined when it was stopped
 * @throws DiskError `io`
 */
export async function exportMap(
  session: Session,
  { format, target, policy, token, progress }: ExportJob,
): Promise<number | undefined> {
  const total = session.view.guestSize;
  const file = new NewFile(target, { replace: true });
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    file.append(Buffer.concat(gathered));
    gathered = [];
    bytes = 0;
  };
  try {
    const { entries } = await writeMap(session, {
      format,
      policy,
      token,
      write: (text) => {
        gathered.push(text);
        bytes += text.length;
        if (bytes >= PIECE_BYTES) flush();
      },
      progress: (done) => {
        progress({ done, total });
      },
    });
    if (token.stopped) return undefined;
    flush();
    file.commit();
    return entries;
  } finally {
    file.abandon();
  }
}
