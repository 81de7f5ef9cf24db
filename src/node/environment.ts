import type { Environment } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { codecs } from './codecs';
import { FileGate } from './gate';

/** The core's world, on Node. Whoever reads content awaits `codecsReady` first. */
export function createEnvironment(policy: GatePolicy): Environment {
  return { gate: new FileGate(policy), codecs };
}
