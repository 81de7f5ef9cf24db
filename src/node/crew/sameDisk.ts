import type { WalkFrom } from '../../core';
import { DiskError, Session } from '../../core';
import type { GatePolicy } from '../../protocol/worker';
import { createEnvironment } from '../environment';
import { openFile } from '../files';

/** What a helper thread needs to open the very disk that its starter has open. */
export interface DiskTicket {
  readonly path: string;
  readonly format: string | undefined;
  readonly policy: GatePolicy;
  readonly depth: number;
  /** The view's id. */
  readonly view: string;
  /** What tells the files apart from others, and from what they may have become. */
  readonly files: readonly string[];
}

const filesOf = ({ chain }: Session): readonly string[] =>
  chain.layers.map(({ identity, source }) => `${identity.id} ${source.size} ${source.modified}`);

export function ticketOf(session: Session, policy: GatePolicy): DiskTicket {
  const [leaf] = session.chain.layers;
  const { depth, view }: WalkFrom = session.from;
  return {
    path: leaf?.identity.path ?? '',
    format: leaf?.layer.format,
    policy,
    depth,
    view: view.id,
    files: filesOf(session),
  };
}

/** @returns undefined when it is not the same any more: then the starter does the work alone, with what it has open */
export function openSame({ path, format, policy, depth, view, files }: DiskTicket): Session | undefined {
  let session: Session;
  try {
    session = new Session(createEnvironment(policy), openFile(path, policy), { format });
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
  try {
    const opened = filesOf(session);
    if (opened.length === files.length && opened.every((file, index) => file === files[index])) {
      session.stand({ depth, view });
      return session;
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
  }
  session.close();
  return undefined;
}
