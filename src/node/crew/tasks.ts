import { mapPiecesTask } from '../scan/mapTask';
import { scanChunksTask } from '../scan/chunkTask';
import { flattenShare } from '../work/flattenShare';

/** What a helper thread can do. All of it is in one bundle that each thread loads: what it imports is to be little. */
export const TASKS = { flattenShare, mapPieces: mapPiecesTask, scanChunks: scanChunksTask };

export type CrewTasks = typeof TASKS;
