import type { Finding } from './model';

/**
 * Of what no layer holds, how many bytes may have been lost with the tables that mapped them.
 * @param findings of the layers that a read comes through, @param nobody bytes that no layer holds
 */
export function lostBytes(findings: readonly Finding[], nobody: number): number {
  const lost = findings.reduce((sum, finding) => sum + (finding.lost ?? 0), 0);
  return Math.min(lost, nobody);
}
