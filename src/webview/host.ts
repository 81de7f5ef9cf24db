import type { WireError } from '../core/errors';
import { Endpoint } from '../protocol/rpc';
import type { Message } from '../protocol/rpc';
import type { HostEvents, PageEvents, WebviewCalls } from '../protocol/webview';

/** An error of the extension host, with all that it says. */
export class HostError extends Error {
  override readonly name = 'HostError';

  constructor(readonly wire: WireError) {
    super(wire.message);
  }
}

type NoCalls = Record<string, never>;
export type Host = Endpoint<WebviewCalls, NoCalls, PageEvents, HostEvents>;

/** The page's end of the connection to the extension host. */
export function connect(send: (message: Message) => void): Host {
  const host: Host = new Endpoint<WebviewCalls, NoCalls, PageEvents, HostEvents>(
    {
      send,
      fromWire: (error) => new HostError(error),
      toWire: (error) => ({ code: 'internal', message: error instanceof Error ? error.message : String(error) }),
    },
    {},
  );
  addEventListener('message', ({ data }: MessageEvent<Message | undefined>) => {
    if (data && typeof data === 'object' && 'type' in data) host.receive(data);
  });
  return host;
}

export function wireOf(error: unknown): WireError {
  if (error instanceof HostError) return error.wire;
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
