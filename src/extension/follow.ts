import type { Editors } from './editor/editors';
import type { ImagePanel } from './editor/panel';
import { nodePath } from './tree/families';
import type { FamilyNode } from './tree/families';
import type { DiskTree } from './tree/view';

/** Moving through blocks selects one owner after the other; the tree follows where that comes to rest. */
const REST_MS = 150;

/** Lets the tree and the editor in front follow each other, without ever taking the focus. */
export class Follow {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly tree: () => DiskTree,
    private readonly editors: () => Editors,
  ) {}

  dispose(): void {
    clearTimeout(this.timer);
  }

  /** What was about to be followed no longer matters: the user has gone elsewhere. */
  cancel(): void {
    clearTimeout(this.timer);
  }

  /** The editor came to the front, or something was selected in it. */
  toTree(panel: ImagePanel): void {
    this.later(() => {
      if (this.editors().active === panel) void this.tree().reveal(layerPath(panel), false);
    });
  }

  /** The user moved to a node. A click opens the image besides, which then comes first. */
  toEditor(node: FamilyNode): void {
    const path = nodePath(node);
    this.later(() => {
      const panel = this.editors().active;
      const layer = panel?.document.summary?.layers.find((candidate) => candidate.path === path);
      if (panel && layer && layer.depth !== panel.selection.layer) void panel.pickLayer(layer.depth);
    });
  }

  private later(act: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, REST_MS);
  }
}

/** The file of the layer that is picked, or owns what is selected; else the image's own. */
export function layerPath({ document, selection }: ImagePanel): string {
  const layer = selection.layer === null ? undefined : document.summary?.layers[selection.layer];
  return layer?.path ?? document.uri.fsPath;
}
