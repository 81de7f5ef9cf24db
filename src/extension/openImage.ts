import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { PARALLELS_BUNDLE } from './tree/candidates';
import type { FamilyNode } from './tree/families';
import { withoutIcons } from './text';
import { walk } from './tree/families';
import { present } from './tree/present';

interface Choice extends vscode.QuickPickItem {
  readonly uri?: vscode.Uri;
}

/**
 * Asks for a file: one of the images that the tree knows, or any through the file dialog.
 * @returns undefined when the user thought better of it
 */
export async function chooseImage(
  families: readonly FamilyNode[],
  title = 'Open as Disk Image',
): Promise<vscode.Uri | undefined> {
  const known = [...walk(families)].flatMap((node): Choice[] => {
    if (node.kind !== 'image') return [];
    const { path } = node.image;
    const { label, description, icon } = present(node);
    const folder = vscode.workspace.asRelativePath(dirname(path));
    return [
      {
        label: withoutIcons(label),
        iconPath: new vscode.ThemeIcon(icon),
        description: `${description} · ${folder}`,
        uri: vscode.Uri.file(path),
      },
    ];
  });
  if (known.length === 0) return browse(title);
  const all: Choice[] = [
    {
      label: 'Browse…',
      iconPath: new vscode.ThemeIcon('folder-opened'),
      description: 'any file on this machine',
      alwaysShow: true,
    },
    { label: 'in this workspace', kind: vscode.QuickPickItemKind.Separator },
    ...known,
  ];
  const picked = await vscode.window.showQuickPick(all, {
    title,
    placeHolder: 'Which image?',
    matchOnDescription: true,
  });
  return picked && (picked.uri ?? browse(title));
}

/** What is opened of what was chosen: of a bundle of Parallels, a folder, its descriptor. */
export async function fileMeantBy(chosen: vscode.Uri): Promise<vscode.Uri> {
  if (chosen.scheme !== 'file') return chosen;
  const descriptor = vscode.Uri.joinPath(chosen, PARALLELS_BUNDLE);
  try {
    await vscode.workspace.fs.stat(descriptor);
    return descriptor;
  } catch {
    return chosen;
  }
}

async function browse(title: string): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const picked = await vscode.window.showOpenDialog({
    title,
    openLabel: title.replace(/…$/, ''),
    canSelectMany: false,
    ...(folder ? { defaultUri: folder } : {}),
  });
  return picked?.[0];
}
