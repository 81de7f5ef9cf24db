import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { SHEET_COMMAND, SHEET_VIEW } from '../ids';
import { pageHtml, pageRoots } from '../page';
import { sheetBody } from './sheetHtml';
import type { Button, SheetText } from './sheetHtml';

/** The pages that tell what is planned or found, each kept as one tab, by what it is about. */
export class Sheets implements vscode.Disposable {
  private readonly open = new Map<string, Sheet>();
  private readonly command: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly attempt: (act: () => unknown) => Promise<unknown>,
  ) {
    this.command = vscode.commands.registerCommand(SHEET_COMMAND, (token: unknown, index: unknown) =>
      this.attempt(() => [...this.open.values()].map((sheet) => sheet.act(token, index))),
    );
  }

  dispose(): void {
    this.command.dispose();
    for (const sheet of this.open.values()) sheet.close();
  }

  /** Shows a page, in place of the one that stood for the same thing. @param key what it is about */
  show(key: string, text: SheetText, toFront = true): Sheet {
    const known = this.open.get(key);
    if (known) {
      known.write(text);
      if (toFront) known.reveal();
      return known;
    }
    const sheet = new Sheet(this.extension, text, () => this.open.delete(key));
    this.open.set(key, sheet);
    return sheet;
  }

  /** Writes a page anew where it is open. */
  update(key: string, text: SheetText): void {
    this.open.get(key)?.write(text);
  }

  close(key: string): void {
    this.open.get(key)?.close();
  }
}

export class Sheet {
  private readonly panel: vscode.WebviewPanel;
  /** What links have to say, so that only this page's own do anything. */
  private token = '';
  private buttons: Button[] = [];

  constructor(
    private readonly extension: vscode.Uri,
    text: SheetText,
    closed: () => void,
  ) {
    this.panel = vscode.window.createWebviewPanel(SHEET_VIEW, text.title, vscode.ViewColumn.Active, {
      // What VS Code itself does on a page, following its links, wants it; the page's own policy lets no script run.
      enableScripts: true,
      enableCommandUris: [SHEET_COMMAND],
      enableFindWidget: true,
      localResourceRoots: pageRoots(extension),
    });
    this.panel.iconPath = vscode.Uri.joinPath(extension, 'media', 'icons', 'disk.svg');
    this.panel.onDidDispose(closed);
    this.write(text);
  }

  reveal(): void {
    this.panel.reveal();
  }

  close(): void {
    this.panel.dispose();
  }

  write(text: SheetText): void {
    this.token = randomBytes(16).toString('hex');
    this.buttons = [];
    this.panel.title = text.title;
    const body = sheetBody(text, (button) => {
      const index = this.buttons.push(button) - 1;
      return `command:${SHEET_COMMAND}?${encodeURIComponent(JSON.stringify([this.token, index]))}`;
    });
    const { webview } = this.panel;
    webview.html = pageHtml(webview, this.extension, { title: text.title, body });
  }

  act(token: unknown, index: unknown): unknown {
    return token === this.token && typeof index === 'number' ? this.buttons[index]?.act() : undefined;
  }
}
