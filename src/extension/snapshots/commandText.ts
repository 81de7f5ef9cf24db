import { commandLine } from '../../core/shell';
import type { QemuCommand } from '../../core/snapshots/model';
import type { Tool } from './maintenance';

/** A command as a person may run it. */
export function commandText({ args }: Pick<QemuCommand, 'args'>, tool?: Tool): string {
  const program = tool && 'path' in tool ? tool.path : 'qemu-img';
  return commandLine([program, ...args], process.platform === 'win32');
}
