import { App } from './app';
import { keepFocus } from './focus';
import { connect } from './host';
import { onThemeChange, readPalette } from './theme';
import type { Saved } from './state';

const root = document.getElementById('app');
if (root) {
  const vscode = acquireVsCodeApi<Saved>();
  const app = new App(root, connect((message) => vscode.postMessage(message)), {
    get: () => vscode.getState(),
    set: (saved) => vscode.setState(saved),
  });
  app.setPalette(readPalette());
  onThemeChange(() => app.setPalette(readPalette()));
  keepFocus();
  void app.start();
}
