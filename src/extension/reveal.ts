import * as vscode from 'vscode';

/** The Explorer where the file is in the workspace, else the system's own file manager. */
export function revealFile(path: string): Thenable<unknown> {
  const uri = vscode.Uri.file(path);
  const inside = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  return vscode.commands.executeCommand(inside ? 'revealInExplorer' : 'revealFileInOS', uri);
}
