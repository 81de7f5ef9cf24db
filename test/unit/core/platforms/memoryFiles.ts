import { createHash } from 'node:crypto';
import type { FileFacts, PlatformFiles } from '../../../../src/core';

/** When all files in memory were written to last. */
export const MODIFIED = Date.UTC(2024, 4, 6);

/** A disk in memory: what a platform's reader sees of it. Counts what it is asked to read. */
export class MemoryFiles implements PlatformFiles {
  readonly asked: string[] = [];

  /** @param files by absolute path */
  constructor(private readonly files: Readonly<Record<string, string | Uint8Array>>) {}

  list(folder: string): readonly string[] | undefined {
    const inside = Object.keys(this.files).filter((path) => path.startsWith(`${folder}/`));
    const names = inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? '');
    return names.length === 0 ? undefined : [...new Set(names)].sort();
  }

  read(file: string, maxBytes: number): Uint8Array | undefined {
    this.asked.push(file);
    const content = this.files[file];
    return content === undefined ? undefined : Uint8Array.from(Buffer.from(content).subarray(0, maxBytes));
  }

  stat(file: string): FileFacts | undefined {
    const content = this.files[file];
    const kind = content !== undefined ? 'file' : this.list(file) ? 'folder' : undefined;
    const size = content === undefined ? 0 : Buffer.from(content).length;
    return kind && { kind, id: file, size, diskUsage: size, names: 1, modified: MODIFIED };
  }

  real(file: string): string {
    return file;
  }

  sha1(text: string): string {
    return createHash('sha1').update(text).digest('hex');
  }
}
