import { DiskError } from '../../errors';

/** What could be read; undefined where it can't be. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
