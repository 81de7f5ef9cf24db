/**
 * The loops over millions of table entries, in WebAssembly: AssemblyScript with vector instructions, which take sixteen
 * entries or units at a time. Everything works on one memory that the caller lays out (`core/kernel/kernel.ts`); all
 * pointers are into it, and every buffer has room for a whole number of sixteen units.
 *
 * A **unit** is the piece of the disk that one kind stands for. A **kind** is `Kind` of `core/model.ts`, one byte. A
 * **code** says who answers and how, in 16 bits: `(depth + 1) << 3 | kind`, 0 where nobody does.
 */
export { addChunk, groupsCut, runsNeeded } from './cells';
export { addGroups, addOne, addUnits, chunkRuns, chunkSums, chunkTiles, clearChunk, endChunk, layChunk } from './chunk';
export { fingerprint } from './fingerprint';
export { extended, firstOddEntry, firstPastEnd, oddEntries, pastEnds, standard } from './qcow2';
export { count, cover, overlay } from './overlay';
export { expand, fill } from './strip';
export { runs } from './runs';
