import type { PageAction } from '../../protocol/webview';
import type { ImagePanel } from '../editor/panel';
import { createSnapshot } from './create';
import type { CreateAnswers } from './create';
import { deleteSnapshot } from './delete';
import type { DeleteAnswers } from './delete';
import { diagnoseChain } from './diagnose';
import type { DiagnoseAnswers } from './diagnose';
import { internalSnapshot } from './internal';
import type { InternalAnswers } from './internal';
import { endPreview, previewSnapshot } from './preview';
import type { PreviewAnswers, PreviewEndAnswers } from './preview';
import { relocateParent } from './relocate';
import type { RelocateAnswers } from './relocate';
import { repair } from './repair';
import type { RepairAnswers } from './repair';
import type { From, SnapshotWorld } from './world';

export type SnapshotAction = Extract<
  PageAction,
  { action: 'relocate-parent' | 'diagnose' | 'commit-preview' | 'undo-preview' }
>;

/** The commands about snapshots: each asks what it has to, shows what it will do, does it, and shows what came of it. */
export class SnapshotCommands {
  readonly handlers = {
    'vmDisk.createSnapshot': (from?: From | CreateAnswers) => createSnapshot(this.world, from),
    'vmDisk.previewSnapshot': (from?: From | PreviewAnswers) => previewSnapshot(this.world, from),
    'vmDisk.commitPreview': (from?: From | PreviewEndAnswers) => endPreview(this.world, from, 'commit'),
    'vmDisk.undoPreview': (from?: From | PreviewEndAnswers) => endPreview(this.world, from, 'undo'),
    'vmDisk.deleteSnapshot': (from?: From | DeleteAnswers) => deleteSnapshot(this.world, from),
    'vmDisk.createInternalSnapshot': (from?: From | InternalAnswers) => internalSnapshot(this.world, from, 'create'),
    'vmDisk.applyInternalSnapshot': (from?: From | InternalAnswers) => internalSnapshot(this.world, from, 'apply'),
    'vmDisk.deleteInternalSnapshot': (from?: From | InternalAnswers) => internalSnapshot(this.world, from, 'delete'),
    'vmDisk.relocateParent': (from?: From | RelocateAnswers) => relocateParent(this.world, from),
    'vmDisk.repair': (from?: From | RepairAnswers) => repair(this.world, from),
    'vmDisk.diagnoseChain': (from?: From | DiagnoseAnswers) => diagnoseChain(this.world, from),
  } as const;

  constructor(private readonly world: SnapshotWorld) {}

  /** Does what a page asks for. */
  act({ document }: ImagePanel, action: SnapshotAction): unknown {
    switch (action.action) {
      case 'relocate-parent': {
        const image = document.summary?.layers.at(-1)?.path;
        return image === undefined ? undefined : relocateParent(this.world, { image });
      }
      case 'diagnose':
        return diagnoseChain(this.world, document.uri);
      case 'commit-preview':
        return endPreview(this.world, document.uri, 'commit');
      case 'undo-preview':
        return endPreview(this.world, document.uri, 'undo');
    }
  }
}
