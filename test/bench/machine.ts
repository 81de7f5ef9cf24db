import { cpus, release, totalmem, type } from 'node:os';
import { qemuVersion } from '../support/qemu';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  readonly qemuImg: string | null;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown CPU',
    cores: all.length,
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    qemuImg: qemuVersion()?.text ?? null,
  };
}
