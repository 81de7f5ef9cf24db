import * as vscode from 'vscode';
import type { ImageSummary } from '../../protocol/image';
import type { PageAction } from '../../protocol/webview';
import type { ImageDocument } from '../editor/document';
import type { Editors } from '../editor/editors';
import type { ImagePanel } from '../editor/panel';
import { cardOf } from '../card';
import { pathKey } from '../paths';
import { nodePath, walk } from '../tree/families';
import type { FamilyNode } from '../tree/families';
import type { DiskTree } from '../tree/view';
import type { Trust } from '../trust';
import { checkImage } from './checkImage';
import { compareWith } from './compareWith';
import { exportMap } from './exportMap';
import type { ExportTarget } from './exportMap';
import { flatten } from './flatten';
import type { FlattenTarget } from './flatten';

export interface WorkWorld {
  readonly editors: Editors;
  readonly tree: DiskTree;
  readonly trust: Trust;
  /** Tells names that disk images have. */
  readonly isImage: (name: string) => boolean;
  /** Uses the panel in front, or offers to open an image where there is none. */
  inFront(act: (panel: ImagePanel) => unknown): unknown;
}

/** The other disk, for callers that do not want to be asked. */
interface Other {
  readonly with: string;
  readonly view?: string;
}

/** What menus give a command: the address of the editor or of a file, a card of the page, a node of the tree. */
type From = vscode.Uri | FamilyNode | undefined;

/** The commands that take a while: each asks what it has to, works with progress, and tells what came of it. */
export class WorkCommands {
  readonly handlers = {
    'vmDisk.checkImage': (from?: From) => this.check(from),
    'vmDisk.compareWith': (other?: Other) =>
      this.world.inFront(({ document }) => this.compare(document, other && 'with' in other ? other : undefined)),
    'vmDisk.endComparison': () => this.world.inFront(({ document }) => document.call('compare', null)),
    'vmDisk.flatten': (from?: From | FlattenTarget) => this.flatten(from),
    'vmDisk.exportMap': (target?: ExportTarget) =>
      this.world.inFront(({ document }) => exportMap(document, target && 'format' in target ? target : undefined)),
    'vmDisk.tree.compareWithOpen': (node: FamilyNode) => this.compareWithNode(node),
  } as const;

  constructor(private readonly world: WorkWorld) {}

  /** Does what a page asks for. */
  act(
    { document }: ImagePanel,
    action: Extract<PageAction, { action: 'export' | 'check' | 'compare' | 'end-comparison' | 'cancel' }>,
  ): unknown {
    switch (action.action) {
      case 'export':
        return this.export(document);
      case 'check':
        return checkImage(document, action.depth, true);
      case 'compare':
        return this.compare(document);
      case 'end-comparison':
        return document.call('compare', null);
      case 'cancel':
        return document.call('cancel', { work: action.work });
    }
  }

  private readonly open = (image: vscode.Uri): Thenable<void> => this.world.editors.open(image);

  /** One button of the page for all that makes a file of what is shown. */
  private async export(document: ImageDocument): Promise<unknown> {
    const copy = { label: 'Flattened copy…', detail: 'What the guest sees, as one image without parents' };
    const map = { label: 'Map…', detail: 'Which layer owns what, as JSON or CSV' };
    const what = await vscode.window.showQuickPick([copy, map], { title: 'Export', placeHolder: 'What?' });
    if (what === copy) return flatten(document, this.open);
    return what === map ? exportMap(document) : undefined;
  }

  private async check(from: From): Promise<unknown> {
    const card = cardOf(from);
    const path = pathOf(from);
    const { active } = this.world.editors;
    const isFront = path === undefined || (active !== undefined && isSame(active, path));
    if (isFront) {
      return this.world.inFront(({ document, selection }) =>
        checkImage(document, card?.depth ?? selection.picked ?? leafShown(document.summary), false),
      );
    }
    const held = this.world.editors.holding(path) ?? (await this.openFile(path));
    return held && checkImage(held.document, held.depth, false);
  }

  private compare(document: ImageDocument, other?: Other): Promise<void> {
    const { tree, trust, editors, isImage } = this.world;
    const world = {
      known: () => [
        ...[...walk(tree.getChildren())].flatMap((node) => (node.kind === 'image' ? [node.image.path] : [])),
        ...editors.documents.filter(({ summary }) => summary).map(({ uri }) => uri.fsPath),
      ],
      isImage,
      policy: (image: string) => trust.policy(image),
    };
    return compareWith(document, world, other && { path: other.with, view: other.view ?? '' });
  }

  private compareWithNode(node: FamilyNode): unknown {
    const path = nodePath(node);
    const view = node.kind === 'snapshot' ? node.view.id : '';
    if (path === undefined) return undefined;
    return this.world.inFront(({ document }) => this.compare(document, { with: path, view }));
  }

  private async flatten(from: From | FlattenTarget): Promise<unknown> {
    if (from && 'target' in from) return this.world.inFront(({ document }) => flatten(document, this.open, from));
    const path = pathOf(from);
    const { active } = this.world.editors;
    if (path === undefined || (from instanceof vscode.Uri && active && isSame(active, path))) {
      return this.world.inFront(({ document }) => flatten(document, this.open));
    }
    // What is written is what the editor shows then.
    const view = from && 'kind' in from && from.kind === 'snapshot' ? from.view.id : '';
    const held = await this.openFile(path, view);
    return held && flatten(held.document, this.open);
  }

  /** Opens an image in an editor, where its problems and progress can be seen. */
  private async openFile(path: string, view = ''): Promise<{ document: ImageDocument; depth: number } | undefined> {
    const { editors } = this.world;
    await editors.open(vscode.Uri.file(path), { standpoint: { depth: 0, view } });
    const document = editors.documents.find(({ uri }) => pathKey(uri.fsPath) === pathKey(path));
    await document?.result();
    return document?.summary && { document, depth: 0 };
  }
}

/** The layer that the disk is looked at from: what is newest of what is shown. */
const leafShown = (summary: ImageSummary | undefined): number => summary?.standpoint.depth ?? 0;

const isSame = ({ document }: ImagePanel, path: string): boolean => pathKey(document.uri.fsPath) === pathKey(path);

function pathOf(from: From): string | undefined {
  if (from instanceof vscode.Uri) return from.fsPath;
  return from && 'key' in from ? nodePath(from) : undefined;
}
