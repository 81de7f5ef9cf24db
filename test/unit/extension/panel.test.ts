import './vscodeStub';
import assert from 'node:assert/strict';
import type { Uri, WebviewPanel } from 'vscode';
import type { ImageDocument } from '../../../src/extension/editor/document';
import { ImagePanel } from '../../../src/extension/editor/panel';

const quiet = { dispose: () => undefined };
const never = (): typeof quiet => quiet;
const extension = { toString: () => 'file:///extension' } as unknown as Uri;

/** A panel whose page never comes up. */
function open(): { panel: ImagePanel; posted: unknown[]; revealed: () => number } {
  const posted: unknown[] = [];
  let revealed = 0;
  const webview = {
    asWebviewUri: (uri: unknown) => uri,
    cspSource: '',
    postMessage: (message: unknown) => posted.push(message),
    onDidReceiveMessage: never,
  };
  const view = { webview, title: 'disk', reveal: () => (revealed += 1) } as unknown as WebviewPanel;
  const document = {
    onDidReopen: never,
    onDidChange: never,
    onDidProgress: never,
    onDidWork: never,
  } as unknown as ImageDocument;
  const panel = new ImagePanel(document, view, {
    extension,
    act: () => undefined,
    selected: () => undefined,
    overlays: () => 0,
  });
  return { panel, posted, revealed: () => revealed };
}

describe('a page that is closed before it comes up', () => {
  it('lets nobody wait for it', async () => {
    const { panel, posted, revealed } = open();
    const asked = Promise.all([panel.goTo(0, false), panel.pickLayer(1)]);
    const waits = assert.rejects(panel.ready, /closed/);
    panel.dispose();
    await asked;
    await waits;
    assert.deepEqual([posted, revealed()], [[], 0]);
    await panel.goTo(0, true);
    assert.equal(revealed(), 0);
  });
});
