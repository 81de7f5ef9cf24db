import { commandLine } from '../shell';
import type { Diagnosis, Remedy, RepairMode } from '../snapshots/model';

/** What mends something, each with its command for a terminal. Rules take them from here, so that each reads the same. */

export type OfferedRemedy = Diagnosis['remedies'][number];

export class Remedies {
  /** @param windows how the commands are quoted */
  constructor(private readonly windows: boolean) {}

  /** Names the parent anew, or its format. */
  relocate(title: string, image: string, parent: string, parentFormat: string): OfferedRemedy {
    return this.offer(title, { kind: 'relocate', image, parent, parentFormat }, [
      ...['snapshot', 'relocate', image, '--parent', parent],
      ...['--parent-format', parentFormat],
    ]);
  }

  choosePlace(image: string): OfferedRemedy {
    return {
      title: 'Choose the file that is its parent…',
      remedy: { kind: 'choose-parent', image },
      command: this.line(['snapshot', 'relocate', image]),
    };
  }

  repair(image: string, mode: RepairMode): OfferedRemedy {
    const title = mode === 'leaks' ? 'Repair leaks' : 'Repair all';
    return this.offer(title, { kind: 'repair', image, mode }, ['repair', image, '--mode', mode]);
  }

  check(image: string): OfferedRemedy {
    return this.offer('Check the image', { kind: 'check', image }, ['check', image]);
  }

  finishDelete(image: string, direction: 'commit' | 'pull'): OfferedRemedy {
    return this.offer('Finish deleting it', { kind: 'finish-delete', image }, [
      ...['snapshot', 'delete', image],
      ...['--direction', direction],
    ]);
  }

  /** Puts back the header that was kept while the parent was named anew. */
  restoreHeader(image: string): OfferedRemedy {
    const command = this.line(['snapshot', 'relocate', image, '--restore']);
    return { title: 'Put the old header back', remedy: { kind: 'none' }, command };
  }

  /** Puts back what a repair has changed. */
  undoRepair(image: string, copy: string): OfferedRemedy {
    const command = this.line(['repair', image, '--undo', copy]);
    return { title: 'Put back what the repair has changed', remedy: { kind: 'none' }, command };
  }

  /** Both ways out of a preview; the first keeps nothing of it. */
  endPreview(overlay: string): readonly OfferedRemedy[] {
    const remedy: Remedy = { kind: 'end-preview', overlay };
    return [
      this.offer('Undo the preview', remedy, ['snapshot', 'undo', overlay]),
      this.offer('Commit the preview', remedy, ['snapshot', 'commit', overlay]),
    ];
  }

  remove(path: string): OfferedRemedy {
    const command = commandLine(this.windows ? ['del', path] : ['rm', '--', path], this.windows);
    return { title: 'Remove the file', remedy: { kind: 'remove-file', path }, command };
  }

  /** Moves a file to where it is looked for, over none that is there. */
  putBack(title: string, from: string, to: string): OfferedRemedy {
    return this.command(title, this.windows ? ['move', from, to] : ['mv', '-n', '--', from, to]);
  }

  /** For a terminal only. */
  command(title: string, words: readonly string[]): OfferedRemedy {
    return { title, remedy: { kind: 'none' }, command: commandLine(words, this.windows) };
  }

  /** What no command does. */
  advice(title: string): OfferedRemedy {
    return { title, remedy: { kind: 'none' } };
  }

  private offer(title: string, remedy: Remedy, words: readonly string[]): OfferedRemedy {
    return { title, remedy, command: this.line(words) };
  }

  private line(words: readonly string[]): string {
    return commandLine(['vmdisk', ...words], this.windows);
  }
}
