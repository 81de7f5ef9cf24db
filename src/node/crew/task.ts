import type { Transferable } from 'node:worker_threads';
import type { WireError } from '../../core/errors';

/** Sends a part of the result on its way; what is in `transfer` moves to the other thread instead of being copied. */
export type TellPart<T> = (part: T, transfer?: readonly Transferable[]) => void;

/** Work for a helper thread: everything that goes in and comes out can be cloned between threads. */
export type Task<P, T, R> = (params: P, tell: TellPart<T>) => R | Promise<R>;

/** Tasks by their names, as one bundle has them. */
export type Tasks = Readonly<Record<string, Task<never, unknown, unknown>>>;

export type ParamsOf<A> = A extends (params: infer P, ...rest: never) => unknown ? P : never;
export type PartOf<A> = A extends (params: never, tell: TellPart<infer T>) => unknown ? T : never;
export type ResultOf<A> = A extends (...given: never) => infer R ? Awaited<R> : never;

/** What a thread is started with. */
export interface Assignment {
  readonly name: string;
  readonly params: unknown;
}

/** Thread → whoever started it: any number of parts, then one of the others. */
export type Report =
  | { readonly kind: 'part'; readonly part: unknown }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: WireError };
