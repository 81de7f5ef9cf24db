import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { formatCount } from '../../core/units';
import { CONTEXT, TREE_VIEW } from '../ids';
import { count } from '../text';
import { pathKey } from '../paths';
import { likelihood } from './candidates';
import { nodePath, walk } from './families';
import type { FamilyNode } from './families';
import { nodeLabel, nodeProblems, present, problemsText } from './present';
import type { Problems } from './present';
import { Survey } from './survey';
import type { SurveyWorld } from './survey';

/** Changes on disk are gathered this long before the tree looks again. */
const SETTLE_MS = 1500;
/** Repaints while the survey goes on. */
const REPAINT_MS = 100;
/** With more families than this the tree starts folded. */
const UNFOLD_AT_MOST = 20;
/** Our own scheme, so that the tree's badges do not add to those of the Explorer. */
const SCHEME = 'vmdisk-tree';

/** What the tree shows, for tests and for other extensions. */
export interface ShownNode {
  readonly label: string;
  readonly description: string;
  /** `image`, `image.leaf`, `snapshot`, `bitmap`, `broken.missing` …: what menus go by. */
  readonly context: string;
  /** `1 error, 2 warnings`, or nothing. */
  readonly problems: string;
  readonly path: string | undefined;
  readonly children: readonly ShownNode[];
}

export interface TreeWorld extends Omit<SurveyWorld, 'changed'> {
  /** What the tree lists came to rest, on screen: what is looked at elsewhere can be selected in it. */
  settled(): void;
}

/** The view “VM Disks”: shows the survey's families, follows the file system and the active editor. */
export class DiskTree implements vscode.TreeDataProvider<FamilyNode>, vscode.FileDecorationProvider, vscode.Disposable {
  readonly view: vscode.TreeView<FamilyNode>;
  private readonly survey: Survey;
  private readonly disposables: vscode.Disposable[] = [];
  private readonly treeChanged = new vscode.EventEmitter<undefined>();
  private readonly decorationsChanged = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.treeChanged.event;
  readonly onDidChangeFileDecorations = this.decorationsChanged.event;

  /** By resource of the tree's items. */
  private readonly problems = new Map<string, Problems>();
  private readonly places = new Map<string, string>();
  private readonly changedPaths = new Set<string>();
  private repaintTimer: NodeJS.Timeout | undefined;
  private settleTimer: NodeJS.Timeout | undefined;
  private endProgress: (() => void) | undefined;
  private watching = false;

  constructor(private readonly world: TreeWorld) {
    this.survey = new Survey({
      ...world,
      changed: () => {
        this.scheduleRepaint();
      },
    });
    this.view = vscode.window.createTreeView<FamilyNode>(TREE_VIEW, { treeDataProvider: this, showCollapseAll: true });
    this.disposables.push(
      this.view,
      vscode.window.registerFileDecorationProvider(this),
      this.view.onDidChangeVisibility(({ visible }) => {
        this.visibilityChanged(visible);
      }),
    );
    if (this.view.visible) this.visibilityChanged(true);
  }

  dispose(): void {
    this.survey.stop();
    clearTimeout(this.repaintTimer);
    clearTimeout(this.settleTimer);
    this.endProgress?.();
    for (const disposable of this.disposables) disposable.dispose();
    this.treeChanged.dispose();
    this.decorationsChanged.dispose();
  }

  /** Looks through the workspace again. @returns when everything is known and measured, or the look was stopped */
  async refresh(): Promise<void> {
    this.changedPaths.clear();
    await this.survey.refresh();
    this.repaint();
  }

  /** What the tree shows may no longer hold: looks again if it is on screen, else when it next is. */
  restart(): void {
    this.survey.complete = false;
    if (this.view.visible) void this.refresh();
  }

  /** Ends the look through the workspace; what was found stays. */
  stop(): void {
    this.survey.stop();
  }

  /** Looks at files that changed, came or went, or that were opened from elsewhere. */
  touch(paths: readonly string[]): void {
    for (const path of paths) this.changedPaths.add(path);
    this.settleTimer ??= setTimeout(() => {
      this.settleTimer = undefined;
      if (!this.view.visible) return; // they are kept until it is
      const changed = [...this.changedPaths];
      this.changedPaths.clear();
      void this.survey.update(changed);
    }, SETTLE_MS);
  }

  /** Looks at files right away: they were changed from here. Where the tree is not on screen, when it next is. */
  async look(paths: readonly string[]): Promise<void> {
    if (!this.view.visible || !this.survey.complete) {
      this.touch(paths);
      return;
    }
    await this.survey.update(paths);
  }

  find(path: string): FamilyNode | undefined {
    return this.survey.find(path);
  }

  /** How many images stand on one, as far as was looked. */
  overlays(path: string): number {
    return this.find(path)?.children.filter(({ kind }) => kind === 'image').length ?? 0;
  }

  /**
   * Selects an image in the tree.
   * @param focus true brings the view up and the focus there; without it a view that is not on screen stays as it is
   * @returns false when there is no such image in the tree
   */
  async reveal(path: string, focus: boolean): Promise<boolean> {
    if (focus) await vscode.commands.executeCommand(`${TREE_VIEW}.focus`);
    else if (!this.view.visible) return true;
    const node = focus ? await this.survey.seek(path) : this.find(path);
    if (!node) return false;
    if (!focus && this.view.selection.some((selected) => isSame(nodePath(selected), path))) return true;
    await this.view.reveal(node, { select: true, focus, expand: false });
    return true;
  }

  shown(): readonly ShownNode[] {
    const show = (node: FamilyNode): ShownNode => {
      const { label, description, context, problems } = present(node, this.places.get(node.key));
      const children = node.children.map(show);
      return { label, description, context, problems: problemsText(problems), path: nodePath(node), children };
    };
    return this.survey.families.map(show);
  }

  selected(): string | undefined {
    const [node] = this.view.selection;
    return node && nodePath(node);
  }

  getChildren(node?: FamilyNode): FamilyNode[] {
    return node ? [...node.children] : [...this.survey.families];
  }

  getParent(node: FamilyNode): FamilyNode | undefined {
    return node.parent;
  }

  getTreeItem(node: FamilyNode): vscode.TreeItem {
    const { label, description, tooltip, icon, spoken, context, problems } = present(node, this.places.get(node.key));
    const { None, Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
    const folded = node.parent === undefined && this.survey.families.length > UNFOLD_AT_MOST;
    const item = new vscode.TreeItem(label, node.children.length === 0 ? None : folded ? Collapsed : Expanded);
    item.id = node.key;
    item.description = description;
    item.tooltip = new vscode.MarkdownString(tooltip);
    item.iconPath = new vscode.ThemeIcon(icon, colourOf(problems));
    item.contextValue = context;
    item.accessibilityInformation = { label: spoken };
    item.resourceUri = resourceOf(node);
    if (node.kind !== 'broken') {
      item.command = { command: 'vmDisk.tree.open', title: 'Open', arguments: [node] };
    }
    return item;
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const problems = uri.scheme === SCHEME ? this.problems.get(uri.toString()) : undefined;
    if (!problems) return undefined;
    const amount = problems.errors + problems.warnings;
    const badge = amount > 9 ? '9+' : String(amount);
    return new vscode.FileDecoration(badge, problemsText(problems), colourOf(problems));
  }

  private visibilityChanged(visible: boolean): void {
    if (!visible) {
      if (!this.survey.complete) this.survey.stop();
      return;
    }
    this.watchFiles();
    if (!this.survey.complete) void this.refresh();
    else if (this.changedPaths.size > 0) this.touch([]);
    else this.world.settled();
  }

  /** Only once the tree has been looked at: a window that never shows it pays nothing. */
  private watchFiles(): void {
    if (this.watching) return;
    this.watching = true;
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    const touched = (uri: vscode.Uri): void => {
      const path = uri.fsPath;
      const counts = likelihood(this.world.isImage, basename(path)) !== undefined || this.find(path) !== undefined;
      if (uri.scheme === 'file' && counts) this.touch([path]);
    };
    this.disposables.push(
      watcher,
      watcher.onDidCreate(touched),
      watcher.onDidChange(touched),
      watcher.onDidDelete(touched),
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.refresh()),
    );
  }

  private scheduleRepaint(): void {
    this.repaintTimer ??= setTimeout(() => {
      this.repaint();
    }, REPAINT_MS);
  }

  private repaint(): void {
    clearTimeout(this.repaintTimer);
    this.repaintTimer = undefined;
    const { families, state, complete } = this.survey;
    this.problems.clear();
    let troubled = 0;
    for (const node of walk(families)) {
      const problems = nodeProblems(node);
      if (problems.errors + problems.warnings === 0) continue;
      this.problems.set(resourceOf(node).toString(), problems);
      if (node.kind === 'image' || node.kind === 'unusable') troubled += 1;
    }
    this.places.clear();
    for (const [key, place] of placesOf(families)) this.places.set(key, place);

    const busy = state !== 'idle';
    this.showProgress(busy);
    this.view.message = this.message();
    this.view.badge =
      troubled === 0 ? undefined : { value: troubled, tooltip: `${count(troubled, 'disk image')} with problems` };
    const told = busy ? 'surveying' : complete ? 'done' : 'stopped';
    void vscode.commands.executeCommand('setContext', CONTEXT.tree, told);
    this.treeChanged.fire(undefined);
    this.decorationsChanged.fire(undefined);
    if (state !== 'looking' && this.view.visible) this.world.settled();
  }

  private message(): string {
    const { families, state, complete, limited, looked } = this.survey;
    if (state === 'looking' && families.length === 0) return 'Looking for disk images…';
    if (state === 'idle' && !complete) return 'Stopped before everything was looked at.';
    if (!limited) return '';
    return `Looked at the first ${formatCount(looked)} files that may be images: see the setting vmDisk.maxFiles.`;
  }

  private showProgress(busy: boolean): void {
    if (!busy) {
      this.endProgress?.();
      this.endProgress = undefined;
    } else if (!this.endProgress) {
      const ended = new Promise<void>((resolve) => (this.endProgress = resolve));
      void vscode.window.withProgress({ location: { viewId: TREE_VIEW } }, () => ended);
    }
  }
}

const isSame = (one: string | undefined, other: string): boolean =>
  one !== undefined && pathKey(one) === pathKey(other);

function resourceOf(node: FamilyNode): vscode.Uri {
  // Keys hold an image's own text, which an address may not: half a surrogate pair can't be written in one.
  return vscode.Uri.from({ scheme: SCHEME, path: `/${Buffer.from(node.key).toString('base64url')}` });
}

function colourOf({ errors, warnings }: Problems): vscode.ThemeColor | undefined {
  if (errors > 0) return new vscode.ThemeColor('list.errorForeground');
  return warnings > 0 ? new vscode.ThemeColor('list.warningForeground') : undefined;
}

/** Where roots of one name lie: names of disks repeat from folder to folder. */
function placesOf(roots: readonly FamilyNode[]): Map<string, string> {
  const names = new Map<string, FamilyNode[]>();
  for (const node of roots) {
    const label = nodeLabel(node);
    names.set(label, [...(names.get(label) ?? []), node]);
  }
  const places = new Map<string, string>();
  for (const nodes of names.values()) {
    if (nodes.length < 2) continue;
    for (const node of nodes) {
      const path = nodePath(node);
      if (path !== undefined) places.set(node.key, vscode.workspace.asRelativePath(dirname(path)));
    }
  }
  return places;
}
