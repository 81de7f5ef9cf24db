import * as vscode from 'vscode';
import { entities, plain } from './text';

export interface Page {
  readonly title: string;
  /** What may be loaded beside the extension's own style sheet, as directives of a content security policy. */
  readonly allowed?: readonly string[];
  /** Markup. */
  readonly body: string;
  /** Attributes of the body by name. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A whole page in the extension's own style. No script or style may stand in the page itself, and nothing is fetched. */
export function pageHtml(
  webview: vscode.Webview,
  extension: vscode.Uri,
  { title, allowed = [], body, attributes = {} }: Page,
): string {
  const policy = ["default-src 'none'", `style-src ${webview.cspSource}`, ...allowed].join('; ');
  const marks = Object.entries(attributes).map(([name, value]) => ` ${name}="${entities(value)}"`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${entities(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${entities(plain(title))}</title>
<link rel="stylesheet" href="${fileAddress(webview, extension, 'media', 'webview.css')}">
</head>
<body${marks.join('')}>
${body}
</body>
</html>`;
}

/** The address of one of the extension's own files, for an attribute of its page. */
export function fileAddress(webview: vscode.Webview, extension: vscode.Uri, ...parts: readonly string[]): string {
  return entities(webview.asWebviewUri(vscode.Uri.joinPath(extension, ...parts)).toString());
}

/** The folders that a page may load from. */
export function pageRoots(extension: vscode.Uri): vscode.Uri[] {
  return ['dist', 'media'].map((folder) => vscode.Uri.joinPath(extension, folder));
}
