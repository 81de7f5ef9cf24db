import * as vscode from 'vscode';

/** Tells of files that VS Code's own editor has: those in front from the start, and each that is opened or brought there. */
export class OpenedTabs implements vscode.Disposable {
  private readonly listening: vscode.Disposable;

  constructor(private readonly tell: (path: string) => void) {
    this.listening = vscode.window.tabGroups.onDidChangeTabs(({ opened, changed }) => {
      this.look([...opened, ...changed]);
    });
    this.look(vscode.window.tabGroups.all.flatMap(({ activeTab }) => activeTab ?? []));
  }

  dispose(): void {
    this.listening.dispose();
  }

  /** Binary files, too, are files of the text editor, which shows in their place why it does not. */
  private look(tabs: readonly vscode.Tab[]): void {
    for (const { input, isActive } of tabs) {
      if (isActive && input instanceof vscode.TabInputText && input.uri.scheme === 'file') this.tell(input.uri.fsPath);
    }
  }
}
