/** The one door into the core. */
export * from './model';
export { DiskError, fromWire, oneLine, toWire } from './errors';
export type { DiskErrorCode, WireError } from './errors';
export { ReadCache } from './cache/readCache';
export { closeChain, MAX_DEPTH, openChain, openLink } from './chain';
export type { ChainOptions, Link } from './chain';
export { probeInput } from './formats/probeInput';
export { DRIVERS, driverNamed, probe } from './formats/registry';
export type { Driver } from './formats/driver';
export type { Qcow2Header } from './formats/qcow2/header';
export { isWindowsAbsolute, parentReference } from './fileReference';
export { COMPLETE_FIRST, endsEarly, faultsFound, placesListed } from './checkWords';
export { gravestFirst, judge, Kin } from './doctor';
export type * from './doctor/facts';
export { compare, compareInto, MAX_RANGES } from './compare';
export type { Comparison } from './compare';
export { allocationDiffersAt } from './compareAllocation';
export { digestDisk } from './digest';
export type { Hasher } from './digest';
export { isCopied, objections, onlyFileLeft } from './merge/decide';
export { commitEffect, differing, holdingOf, isExtended, mayDiffer, pullEffect } from './merge/figures';
export type { Differing } from './merge/figures';
export { ownsAll } from './merge/ownsAll';
export { reasons } from './merge/reasons';
export type { OtherWay } from './merge/reasons';
export { hasStaleTail } from './merge/staleTail';
export { mergeImage } from './merge/situation';
export type { MergeImage, Situation } from './merge/situation';
export type { Effect } from './merge/target';
export { flatten } from './convert/flatten';
export type { Target } from './convert/flatten';
export { verify } from './convert/verify';
export type { Side } from './compareSide';
export { changedBesideParent, headerCluster, MAX_NAME_BYTES, memory, roomForName } from './relocate/header';
export { keptRanges } from './repair/keptRanges';
export { isRepaired } from './repair/repaired';
export type { FileRange } from './repair/keptRanges';
export { contentEvidence } from './relocate/content';
export { trialDisk } from './relocate/trialDisk';
export { fileName, rank, weigh } from './relocate/score';
export type { Evidence, Orphan, Suspect } from './relocate/score';
export { buffersOfPixels, pixels } from './pixels';
export type { FileFacts, PlatformFiles } from './platforms/files';
export { storageFindings } from './platforms/ovirt/findings';
export type { VolumeHeader } from './platforms/ovirt/findings';
export { storyTeller } from './platforms/registry';
export { registeredDisks } from './platforms/virtualbox';
export { entriesOf, mergeable, OF_NOTHING, qemuMap } from './qemuMap';
export type { QemuMapEntry } from './qemuMap';
export { diskArchive, openMember } from './archive/ova';
export { isTar } from './archive/tar';
export { hostPlace, sizesOnHost } from './hostSpace';
export { fileOwners } from './fileMap';
export { readGuest } from './guest';
export type { Gap } from './guest';
export { Picture } from './picture/picture';
export type { Chunk } from './picture/chunk';
export { changedChunks, scanChunks } from './picture/scanChunks';
export type { ChunkScanResult } from './picture/scanChunks';
export { spread } from './picture/spread';
export { finish, NOW, Session } from './session';
export type { Standpoint } from './session';
export { bytesPerCell, rangeBeside, RangesBuilder, unite } from './ranges';
export { sniff } from './sniff';
export { listed } from './listed';
export { firstLost } from './firstLost';
export { lostBytes } from './lost';
export type * from './snapshots/model';
export { misread } from './snapshots/qemuReads';
export { commandLine, quoted } from './shell';
export type { Sniffed } from './sniff';
export { traceRead } from './trace';
export { walk, Walker } from './walk';
export { wholeDisks } from './wholeDisks';
export type { DiskRange, WalkFrom } from './walk';
export { asRelativeName, isWholeName, isWritableName } from './backingName';
export { useOverlay } from './snapshots/otherPrograms';
export { namesOtherFormat } from './imageNames';
export { CLUSTER_SIZES, layOutOverlay, smallestCluster, writeOverlay } from './overlay';
export type { Overlay, OverlayLayout } from './overlay';
export {
  formatBytes,
  formatCount,
  formatClock,
  formatDay,
  formatEntry,
  formatName,
  formatOffset,
  parseOffset,
  unitName,
} from './units';
