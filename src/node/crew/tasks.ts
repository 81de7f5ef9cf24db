import { mapPiecesTask } from '../scan/mapTask';
import { scanChunksTask } from '../scan/task';

/** What a helper thread can do. All of it is in one bundle that each thread loads: what it imports is to be little. */
export const TASKS = { scanChunks: scanChunksTask, mapPieces: mapPiecesTask };

export type CrewTasks = typeof TASKS;
