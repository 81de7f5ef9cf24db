import type * as vscode from 'vscode';
import { fileAddress, pageHtml } from '../page';

/** The editor's page: an empty stage and one script. Nothing may be fetched but the extension's own files. */
export function editorHtml(webview: vscode.Webview, extension: vscode.Uri, title: string): string {
  const own = webview.cspSource;
  return pageHtml(webview, extension, {
    title,
    allowed: ['img-src', 'font-src', 'script-src'].map((kind) => `${kind} ${own}`),
    // Nothing on the page can be typed into: “Cut” and “Paste” would only be in the way of our own items.
    attributes: { 'data-vscode-context': JSON.stringify({ preventDefaultContextMenuItems: true }) },
    body: `<div id="app"></div>
<script src="${fileAddress(webview, extension, 'dist', 'webview.js')}"></script>`,
  });
}
