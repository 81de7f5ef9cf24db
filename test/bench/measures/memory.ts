import { readFileSync } from 'node:fs';

/**
 * The most memory that this process ever had, in bytes: the peak of its resident set. On Linux not what the system's
 * own accounting says, in which a child begins with its parent's peak.
 */
export function peakMemory(): number {
  const kibibytes =
    process.platform === 'linux'
      ? Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
      : process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}
