/** Names that package.json's manifest and the code share; a test holds the two together. */

/** The editor that opens files whose names tell that they are disk images. */
export const VIEW_TYPE = 'vmDisk.editor';
/** The same editor, offered for every other file. */
export const VIEW_TYPE_ANY = 'vmDisk.editor.any';
/** The tree of families. */
export const TREE_VIEW = 'vmDisk.tree';
export const WALKTHROUGH = 'vmDisk.start';
export const SETTINGS = 'vmDisk';
/** Pages that tell what is planned and what was found, and the one command that their buttons are links to. */
export const SHEET_VIEW = 'vmDisk.sheet';
export const SHEET_COMMAND = 'vmDisk.sheet.act';

export const COMMANDS = [
  'vmDisk.openAsDiskImage',
  'vmDisk.refresh',
  'vmDisk.goToOffset',
  'vmDisk.traceAtOffset',
  'vmDisk.exportMap',
  'vmDisk.checkImage',
  'vmDisk.compareWith',
  'vmDisk.endComparison',
  'vmDisk.flatten',
  'vmDisk.createSnapshot',
  'vmDisk.previewSnapshot',
  'vmDisk.commitPreview',
  'vmDisk.undoPreview',
  'vmDisk.deleteSnapshot',
  'vmDisk.createInternalSnapshot',
  'vmDisk.applyInternalSnapshot',
  'vmDisk.deleteInternalSnapshot',
  'vmDisk.relocateParent',
  'vmDisk.repair',
  'vmDisk.diagnoseChain',
  'vmDisk.revealInTree',
  'vmDisk.copyLayerSummary',
  'vmDisk.showProblems',
  'vmDisk.openWalkthrough',
  'vmDisk.tree.open',
  'vmDisk.tree.openToSide',
  'vmDisk.tree.pickOut',
  'vmDisk.tree.compareWithOpen',
  'vmDisk.tree.refresh',
  'vmDisk.tree.stop',
  'vmDisk.tree.revealInExplorer',
  'vmDisk.tree.copyPath',
  'vmDisk.tree.allowFile',
] as const;
export type CommandId = (typeof COMMANDS)[number];

/** Context keys for `when` clauses. */
export const CONTEXT = {
  /** The active editor is ours and shows an image, not a page that says why there is none. */
  imageOpen: 'vmDisk.imageOpen',
  /** The image in front shows how it differs from another. */
  comparing: 'vmDisk.comparing',
  /** The image in front is the overlay of a preview. */
  preview: 'vmDisk.preview',
  /** `surveying` while the workspace is being looked through, then `done`, or `stopped` before the end. */
  tree: 'vmDisk.treeState',
} as const;
