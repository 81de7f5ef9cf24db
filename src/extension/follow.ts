import type { Editors } from './editor/editors';
import type { ImagePanel } from './editor/panel';
import type { DiskTree } from './tree/view';

/** Moving through blocks selects one owner after the other; the tree follows where that comes to rest. */
const REST_MS = 150;

/** Lets the tree follow what is selected in the editor in front, without ever taking the focus. */
export class Follow {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly tree: () => DiskTree,
    private readonly editors: () => Editors,
  ) {}

  dispose(): void {
    clearTimeout(this.timer);
  }

  /** An editor came to the front, something was selected in it, or the tree has come up beside it. */
  follow(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const panel = this.editors().active;
      if (panel) void this.tree().reveal(layerPath(panel), false);
    }, REST_MS);
  }
}

/** The file of the layer that is picked, or owns what is selected; else the image's own. */
export function layerPath({ document, selection }: ImagePanel): string {
  const layer = selection.layer === null ? undefined : document.summary?.layers[selection.layer];
  return layer?.path ?? document.uri.fsPath;
}
