import { flattenShare } from '../work/flattenShare';

/** What a helper thread can do. All of it is in one bundle that each thread loads: what it imports is to be little. */
export const TASKS = { flattenShare };

export type CrewTasks = typeof TASKS;
