import type { WireError } from '../core/errors';

/** A map of calls: name → what it takes and gives. */
export type Calls = Record<string, { readonly params: unknown; readonly result: unknown }>;
/** A map of one-way messages: name → what it carries. */
export type Events = Record<string, unknown>;

export interface CallMessage {
  readonly type: 'call';
  readonly id: number;
  readonly name: string;
  readonly params: unknown;
}

/** Every call is answered, with a result or with an error. */
export type ReplyMessage =
  | { readonly type: 'reply'; readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly type: 'reply'; readonly id: number; readonly ok: false; readonly error: WireError };

export interface EventMessage {
  readonly type: 'event';
  readonly name: string;
  readonly data: unknown;
}

export type Message = CallMessage | ReplyMessage | EventMessage;

export type Handlers<C extends Calls> = {
  readonly [N in keyof C]: (params: C[N]['params']) => C[N]['result'] | Promise<C[N]['result']>;
};

/** What an endpoint needs of the code around it: a way to send, and errors made plain. */
export interface Wire {
  /** @param moved buffers of the message that its sender has no more use for: what is between threads need not copy them */
  send(message: Message, moved?: readonly ArrayBuffer[]): void;
  toWire(error: unknown): WireError;
  fromWire(error: WireError): Error;
}

const moved = new WeakMap<object, readonly ArrayBuffer[]>();

/** A handler's result with buffers that nobody else looks at: they may move to the other end instead of being copied. */
export function moving<R extends object>(result: R, buffers: readonly ArrayBuffer[]): R {
  moved.set(result, buffers);
  return result;
}

/**
 * One end of a typed connection. `Out` are the calls this end makes, `In` those it answers; `Sends` and `Hears` the
 * events. A handler that fails answers with an error, so no caller waits forever; `close` fails what is still open.
 */
export class Endpoint<Out extends Calls, In extends Calls, Sends extends Events, Hears extends Events> {
  private nextId = 1;
  private readonly waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >();
  private readonly listeners = new Map<string, Set<(data: never) => void>>();
  private closed = false;

  constructor(
    private readonly wire: Wire,
    private readonly handlers: Handlers<In>,
  ) {}

  call<N extends keyof Out & string>(name: N, params: Out[N]['params']): Promise<Out[N]['result']> {
    if (this.closed) return Promise.reject(new Error(`${name}: the connection is closed`));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.wire.send({ type: 'call', id, name, params });
    });
  }

  emit<N extends keyof Sends & string>(name: N, data: Sends[N]): void {
    if (!this.closed) this.wire.send({ type: 'event', name, data });
  }

  on<N extends keyof Hears & string>(name: N, listener: (data: Hears[N]) => void): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener));
    return () => all.delete(listener);
  }

  /** Takes one message from the other end. */
  receive(message: Message): void {
    switch (message.type) {
      case 'call':
        void this.answer(message);
        return;
      case 'reply': {
        const caller = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        if (message.ok) caller?.resolve(message.result);
        else caller?.reject(this.wire.fromWire(message.error));
        return;
      }
      case 'event':
        for (const listener of this.listeners.get(message.name) ?? []) listener(message.data as never);
    }
  }

  close(reason: Error): void {
    this.closed = true;
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
  }

  private async answer({ id, name, params }: CallMessage): Promise<void> {
    try {
      if (!Object.hasOwn(this.handlers, name)) throw new Error(`no such call: ${name}`);
      const result: unknown = await this.handlers[name as keyof In](params);
      const buffers = typeof result === 'object' && result !== null ? moved.get(result) : undefined;
      this.wire.send({ type: 'reply', id, ok: true, result }, buffers);
    } catch (error) {
      this.wire.send({ type: 'reply', id, ok: false, error: this.wire.toWire(error) });
    }
  }
}
