import { createHash } from 'node:crypto';
import type { Hasher } from '../core';

/** SHA-256, as the core takes a hash. */
export function sha256(): Hasher {
  const hash = createHash('sha256');
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest('hex'),
  };
}
