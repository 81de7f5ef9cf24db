import * as path from 'node:path';
import { findQemuImg } from '../node/qemuImg';
import type { QemuImg } from '../node/qemuImg';
import type { Conduct } from '../node/snapshots/conduct';
import { Interrupted, onInterrupt } from './interrupt';
import { tell } from './output';
import { ProgressLine } from './progress';
import { plain } from './text';
import type { Invocation, OptionSpec } from './verb';

/** Options of verbs that have qemu-img change images in place. */
export const TOOL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  'qemu-img': { value: 'PATH', help: 'the qemu-img to run; the one on PATH when left out' },
};

/** @throws DiskError */
export function toolOf(invocation: Invocation): Promise<QemuImg> {
  const given = invocation.value('qemu-img');
  return findQemuImg(given === undefined ? undefined : path.resolve(given));
}

/**
 * Runs work that changes images: its progress and every command on stderr, ended by a signal.
 * @throws Interrupted
 */
export async function conducted<T>(work: (conduct: Conduct) => Promise<T>): Promise<T> {
  const line = new ProgressLine();
  const controller = new AbortController();
  const interrupt = onInterrupt(() => {
    controller.abort();
  });
  try {
    return await work({
      signal: controller.signal,
      progress: (what, share) => {
        line.update(share === undefined ? what : `${what}: ${Math.floor(share * 100)} %`);
      },
      running: (command) => {
        line.clear();
        tell(`running ${plain(command)}`);
      },
    });
  } catch (error) {
    if (interrupt.code !== undefined && controller.signal.aborted && error === controller.signal.reason) {
      throw new Interrupted(interrupt.code, 'stopped: every image reads as it did');
    }
    throw error;
  } finally {
    line.clear();
    interrupt.forget();
  }
}
