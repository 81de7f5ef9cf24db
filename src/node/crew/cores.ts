import { availableParallelism } from 'node:os';

/** Disks and memory keep few threads busy, and there are other programs. */
const MOST = 3;

/** How many threads are to share work, the one that asks included: 1 where another would only take its time. */
export const coresToUse = (available = availableParallelism()): number => Math.max(1, Math.min(MOST, available));
