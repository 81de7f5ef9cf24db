import { readUpTo } from '../bytes';
import type { ByteSource } from '../model';
import type { ProbeInput } from './driver';
import { PROBE_BYTES } from './driver';

export function probeInput(source: ByteSource): ProbeInput {
  return {
    head: readUpTo(source, 0, PROBE_BYTES),
    get tail() {
      return readUpTo(source, Math.max(0, source.size - PROBE_BYTES), PROBE_BYTES);
    },
    at: (position, length) => (position < source.size ? readUpTo(source, position, length) : new Uint8Array()),
    size: source.size,
  };
}
