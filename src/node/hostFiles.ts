import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileFacts, PlatformFiles } from '../core';
import { DiskError } from '../core';
import type { GatePolicy } from '../protocol/worker';
import { FileGate } from './gate';

/** Names of one folder that are looked at. */
const MAX_NAMES = 100_000;

/**
 * What platforms' readers see of the disk: in an untrusted workspace only what lies in its folders, by whatever links.
 */
export class HostFiles implements PlatformFiles {
  private readonly gate: FileGate;

  constructor(policy: GatePolicy) {
    this.gate = new FileGate(policy);
  }

  list(folder: string): readonly string[] | undefined {
    const name = native(folder);
    if (!this.gate.mayLookAt(name)) return undefined;
    let open: fs.Dir | undefined;
    try {
      open = fs.opendirSync(name);
      const names: string[] = [];
      for (let entry = open.readSync(); entry && names.length < MAX_NAMES; entry = open.readSync()) {
        names.push(entry.name);
      }
      return names.sort();
    } catch {
      return undefined;
    } finally {
      open?.closeSync();
    }
  }

  read(file: string, maxBytes: number): Uint8Array | undefined {
    const name = native(file);
    if (!this.gate.mayLookAt(name) || this.stat(file)?.kind !== 'file') return undefined;
    try {
      const { source } = this.gate.openFound(name);
      try {
        const bytes = new Uint8Array(Math.min(source.size, maxBytes));
        source.readInto(bytes, 0);
        return bytes;
      } finally {
        source.close();
      }
    } catch (error) {
      if (error instanceof DiskError) return undefined;
      throw error;
    }
  }

  stat(file: string): FileFacts | undefined {
    const name = native(file);
    if (!this.gate.mayLookAt(name)) return undefined;
    try {
      const stat = fs.statSync(name, { bigint: true });
      return {
        kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other',
        id: `${stat.dev}:${stat.ino}`,
        size: Number(stat.size),
        diskUsage: Number(stat.blocks) * 512,
        names: Number(stat.nlink),
        modified: Number(stat.mtimeMs),
      };
    } catch {
      return undefined;
    }
  }

  real(file: string): string | undefined {
    try {
      return posix(fs.realpathSync(native(file)));
    } catch {
      return undefined;
    }
  }

  sha1(text: string): string {
    return createHash('sha1').update(text, 'utf8').digest('hex');
  }
}

/** Platforms' readers know paths with `/` only. */
const WINDOWS = process.platform === 'win32';
export const posix = (file: string): string => (WINDOWS ? file.replaceAll('\\', '/') : file);
export const native = (file: string): string => (WINDOWS ? path.normalize(file) : file);
