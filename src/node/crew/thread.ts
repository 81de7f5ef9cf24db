import { serve } from './serve';
import { TASKS } from './tasks';

/** The entry of a helper thread, `dist/crew.js`. */
void serve(TASKS);
