import './vscodeStub';
import assert from 'node:assert/strict';
import type { Uri } from 'vscode';
import { ImageDocument } from '../../../src/extension/editor/document';
import type { DocumentWorld } from '../../../src/extension/editor/document';
import type { ImageSummary, OpenResult, Standpoint } from '../../../src/protocol/image';
import type { OpenParams } from '../../../src/protocol/worker';
import { image } from './images';

const URI = { scheme: 'file', fsPath: '/d/top.qcow2', toString: () => 'file:///d/top.qcow2' } as unknown as Uri;
const NOW: Standpoint = { depth: 0, view: '' };

/** Workers that all open one chain, which can change, as the real one does: a standpoint is kept by its depth. */
class Workers {
  paths = ['/d/top.qcow2', '/d/mid.qcow2', '/d/base.qcow2'];
  started = 0;
  alive = 0;
  looks: Standpoint[] = [];
  /** Told to whoever listens, right after a chain was opened. */
  tellsAfterOpen = false;
  private generation = 0;

  readonly world = {
    createWorker: () => this.create(),
    policy: () => ({ allowed: [], platformTools: false }),
    log: { debug: () => undefined, error: () => undefined },
  } as unknown as DocumentWorld;

  private create(): unknown {
    this.started += 1;
    this.alive += 1;
    const changed: ((summary: ImageSummary) => void)[] = [];
    const summary = (standpoint: Standpoint): ImageSummary => ({
      path: URI.fsPath,
      layers: this.paths.map((path, depth) => image(path, { depth })),
      end: { kind: 'base' },
      standpoint,
      guestSize: 0,
      generation: this.generation++,
      scan: 'running',
    });
    const answers = {
      open: ({ standpoint = NOW }: OpenParams): OpenResult => {
        const at = standpoint.depth < this.paths.length ? standpoint : NOW;
        if (this.tellsAfterOpen) queueMicrotask(() => {
          for (const tell of changed) tell(summary(at));
        });
        return { kind: 'image', summary: summary(at) };
      },
      look: (at: Standpoint): ImageSummary => {
        this.looks.push(at);
        return summary(at);
      },
    };
    return {
      call: async (name: keyof typeof answers, params: never) => {
        await Promise.resolve();
        return answers[name](params);
      },
      on: (name: string, listener: (summary: ImageSummary) => void) => {
        if (name === 'changed') changed.push(listener);
      },
      onExit: () => undefined,
      dispose: () => {
        this.alive -= 1;
      },
    };
  }
}

describe('an open document', () => {
  let workers: Workers;
  let document: ImageDocument;
  beforeEach(() => {
    workers = new Workers();
    document = new ImageDocument(URI, workers.world);
  });

  const stands = (): string | undefined => {
    const { summary } = document;
    return summary?.layers[summary.standpoint.depth]?.path;
  };

  it('starts no worker once it is closed, though a refresh waits', async () => {
    const waiting = document.refresh();
    document.dispose();
    await waiting;
    await document.refresh();
    assert.deepEqual([workers.started, workers.alive], [1, 0]);
  });

  it('stays where it is looked at from while the chain stays', async () => {
    await document.result();
    await document.look({ depth: 1, view: '' });
    workers.looks = [];
    await document.refresh();
    assert.equal(stands(), '/d/mid.qcow2');
    assert.deepEqual(workers.looks, []);
  });

  it('follows the file it stands on when an overlay came between', async () => {
    await document.result();
    await document.look({ depth: 1, view: '' });
    workers.paths = ['/d/top.qcow2', '/d/new.qcow2', '/d/mid.qcow2', '/d/base.qcow2'];
    await document.refresh();
    assert.deepEqual([stands(), document.summary?.standpoint.depth], ['/d/mid.qcow2', 2]);
  });

  it('shows the current state when the file it stood on was committed away, and never another layer', async () => {
    await document.result();
    await document.look({ depth: 1, view: '' });
    workers.paths = ['/d/top.qcow2', '/d/base.qcow2'];
    workers.tellsAfterOpen = true;
    const told: number[] = [];
    document.onDidChange(({ standpoint }) => told.push(standpoint.depth));
    await document.refresh();
    assert.equal(stands(), '/d/top.qcow2');
    assert.deepEqual(told, []);
    await document.refresh();
    assert.equal(stands(), '/d/top.qcow2');
  });
});
