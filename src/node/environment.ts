import type { Environment } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { loadCodecs } from './codecs';
import { FileGate } from './gate';

/** The core's world, on Node. */
export async function createEnvironment(policy: GatePolicy): Promise<Environment> {
  return { gate: new FileGate(policy), codecs: await loadCodecs() };
}
