import { stat } from 'node:fs/promises';
import type * as vscode from 'vscode';
import type { ImageDocument } from '../editor/document';
import { filesOf } from '../editor/files';

/**
 * The path to write a new file to.
 * @throws when it is no place on a disk, or a file of the image's own chain under whatever name
 */
export async function targetPath(document: ImageDocument, target: vscode.Uri): Promise<string> {
  if (target.scheme !== 'file') throw new Error(`A file can only be written to a disk, not to “${target.scheme}:”`);
  if (await isOfChain(document, target.fsPath)) {
    throw new Error(`${target.fsPath} is a file of this chain and is not written over`);
  }
  return target.fsPath;
}

async function isOfChain(document: ImageDocument, target: string): Promise<boolean> {
  const own = await identity(target);
  if (own === undefined) return false;
  const files = [document.uri.fsPath, ...filesOf(document.summary)];
  return (await Promise.all(files.map(identity))).includes(own);
}

/** Equal for two names of one file; nothing for a file that is not there. */
async function identity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
