import { dirname, isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import type { GatePolicy } from '../protocol/worker';
import { message, sentence } from './text';

const ALLOWED = 'vmDisk.allowedFiles';

/**
 * What names inside images may open. In a trusted workspace any file, read-only; in an untrusted one those of the
 * workspace and of the image's own folder, and what the user has allowed by name.
 */
export class Trust implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  /** More may be opened than before. */
  readonly onDidChange = this.changed.event;
  private readonly granted = vscode.workspace.onDidGrantWorkspaceTrust(() => {
    this.changed.fire(undefined);
  });

  constructor(private readonly state: vscode.Memento) {}

  dispose(): void {
    this.granted.dispose();
    this.changed.dispose();
  }

  /** @param image the file that is opened; none for the tree, which asks about many */
  policy(image?: string): GatePolicy {
    const allowed = this.allowed();
    if (vscode.workspace.isTrusted) return { allowed, platformTools: true };
    const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    return {
      folders: image === undefined ? folders : [...folders, dirname(image)],
      allowed,
      platformTools: false,
    };
  }

  /**
   * Asks whether a file that an image names may be read, and remembers a yes for this workspace.
   * @param why one sentence for the user: who names it, and why it was not opened
   */
  async ask(path: string, why: string): Promise<boolean> {
    if (!isAbsolute(path)) return false;
    if (this.allowed().includes(path)) return true;
    const allow = 'Allow Reading';
    const manage = 'Manage Workspace Trust';
    const choice = await vscode.window.showWarningMessage(
      'Read a file outside this untrusted workspace?',
      {
        modal: true,
        detail: [
          message(path),
          message(sentence(why)),
          'It will be opened for reading only. Allow it if you know this file and where the image came from.',
        ].join('\n\n'),
      },
      allow,
      manage,
    );
    if (choice === manage) await vscode.commands.executeCommand('workbench.trust.manage');
    if (choice !== allow) return false;
    await this.state.update(ALLOWED, [...this.allowed(), path]);
    this.changed.fire(undefined);
    return true;
  }

  private allowed(): readonly string[] {
    return this.state.get<readonly string[]>(ALLOWED, []);
  }
}
