import type { Worker } from 'node:worker_threads';
import { parentPort } from 'node:worker_threads';
import { buffersOfPixels, fromWire, toWire } from '../core';
import type { Message } from '../protocol/rpc';
import { Endpoint, moving } from '../protocol/rpc';
import type { WorkerCalls, WorkerEvents } from '../protocol/worker';
import { keepHelper } from './crew/start';
import { ImageServer } from './imageServer';
import { MaintenanceServer } from './maintenanceServer';
import { RecentStories } from './stories';
import { accountChain, survey } from './survey';

/** What the worker thread does: everything heavy happens here, so that the extension host never waits. */
const port = parentPort;
if (!port) throw new Error('this file runs as a worker thread');

const stories = new RecentStories();

const maintenance = new MaintenanceServer({
  maintaining: (data) => {
    endpoint.emit('maintaining', data);
  },
  running: (data) => {
    endpoint.emit('running', data);
  },
  ran: (data) => {
    endpoint.emit('ran', data);
  },
});

const endpoint = new Endpoint<Record<string, never>, WorkerCalls, WorkerEvents, Record<string, never>>(
  {
    send: (message, moved) => {
      port.postMessage(message, moved);
    },
    toWire,
    fromWire,
  },
  {
    open: (params) => image.open(params),
    look: (at) => image.look(at),
    pixels: (request) => {
      const reply = image.pixels(request);
      return moving(reply, buffersOfPixels(reply.pixels));
    },
    trace: ({ offset }) => image.trace(offset),
    read: ({ offset, length }) => image.read(offset, length),
    exportMap: ({ target, format }) => image.exportMap(target, format),
    check: ({ depth }) => image.check(depth),
    compare: (params) => image.compare(params),
    difference: ({ from, by }) => image.difference(from, by),
    flatten: (params) => image.flatten(params),
    cancel: ({ work }) => {
      image.cancel(work);
      return null;
    },
    survey: ({ paths, policy }) => survey(paths, policy, stories.of(paths, policy)),
    account: ({ path, policy }) => accountChain(path, policy),
    ...maintenance.handlers,
  },
);

const image = new ImageServer((name, data) => {
  endpoint.emit(name, data);
});

/** Answers requests from now on. @param helper a thread that was started for the next task */
export function serve(helper: Worker | undefined): void {
  if (helper) keepHelper(helper);
  port?.on('message', (message: Message) => {
    endpoint.receive(message);
  });
}
