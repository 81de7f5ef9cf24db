import * as vscode from 'vscode';

/**
 * The page: an empty stage and one script. Nothing may be fetched but the extension's own files; no script or style
 * may stand in the page itself.
 */
export function pageHtml(webview: vscode.Webview, extension: vscode.Uri, title: string): string {
  const file = (...parts: readonly string[]): string =>
    attribute(webview.asWebviewUri(vscode.Uri.joinPath(extension, ...parts)).toString());
  const own = webview.cspSource;
  const policy = `default-src 'none'; img-src ${own}; style-src ${own}; font-src ${own}; script-src ${own}`;
  // Nothing on the page can be typed into: “Cut” and “Paste” would only be in the way of our own items.
  const context = JSON.stringify({ preventDefaultContextMenuItems: true });
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${attribute(title)}</title>
<link rel="stylesheet" href="${file('media', 'webview.css')}">
</head>
<body data-vscode-context="${attribute(context)}">
<div id="app"></div>
<script src="${file('dist', 'webview.js')}"></script>
</body>
</html>`;
}

/** The folders that the page may load from. */
export function pageRoots(extension: vscode.Uri): vscode.Uri[] {
  return ['dist', 'media'].map((folder) => vscode.Uri.joinPath(extension, folder));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const attribute = (text: string): string => text.replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? mark);
