import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './root';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True when the process had to be stopped. */
  readonly timedOut: boolean;
}

/** A process that runs the command line, a call at a time. One that had to be stopped, or ended by itself, is followed by another. */
export class CliHost {
  private child: ChildProcess | undefined;

  /** @param cli the built command line, an absolute path */
  run(cli: string, args: readonly string[], { cwd, timeout }: { cwd: string; timeout: number }): Promise<CliResult> {
    const child = this.started(cli);
    return new Promise((resolve) => {
      const stopped = (timedOut: boolean) => (): void => {
        child.kill('SIGKILL');
        this.child = undefined;
        done({ code: null, stdout: '', stderr: 'the process ended before the call did', timedOut });
      };
      const late = setTimeout(stopped(true), timeout);
      const gone = stopped(false);
      const answered = ({ code, stdout, stderr }: { code: number; stdout: Buffer; stderr: Buffer }): void => {
        done({ code, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8'), timedOut: false });
      };
      const done = (result: CliResult): void => {
        clearTimeout(late);
        child.off('exit', gone).off('message', answered);
        child.channel?.unref();
        resolve(result);
      };
      child.on('exit', gone).on('message', answered);
      child.channel?.ref();
      child.send({ args, cwd });
    });
  }

  private started(cli: string): ChildProcess {
    if (this.child) return this.child;
    const program = join(repositoryRoot(), 'test', 'support', 'cliHost.cjs');
    this.child = fork(program, [cli], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    // Whoever waits for an answer keeps the tests running; a process that waits for a call does not.
    this.child.unref();
    return this.child;
  }
}
