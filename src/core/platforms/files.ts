import type { LayerStory } from '../snapshots/model';

/**
 * What a platform's reader sees of the disk. All paths are absolute and with `/`. Whatever is not there, is no plain
 * file or folder, or may not be looked at is `undefined`, silently: a story that can't be told is no error.
 */
export interface PlatformFiles {
  /** Names in a folder, sorted; the first of them where there are very many. */
  list(folder: string): readonly string[] | undefined;
  /** The first bytes of a regular file, at most `maxBytes`. */
  read(file: string, maxBytes: number): Uint8Array | undefined;
  stat(file: string): FileFacts | undefined;
  /** Where a path leads once links are followed. */
  real(file: string): string | undefined;
  /** SHA-1 of a text's UTF-8, in lower-case hexadecimal digits. */
  sha1(text: string): string;
}

export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'other';
  /** Equal for two names of one file. */
  readonly id: string;
  readonly size: number;
  /** Bytes on the host. */
  readonly diskUsage: number;
  /** How many names the file has. */
  readonly names: number;
  /** When it was written to last, milliseconds since 1970. */
  readonly modified: number;
}

/** A platform that keeps names and dates of snapshots beside, or far from, the images it made. */
export interface Platform {
  readonly name: string;
  /**
   * What the platform says of an image, by what lies on the disk.
   * @param file absolute, with `/`, links followed
   * @returns undefined for an image that is not the platform's, or of which it says nothing
   */
  story(file: string): LayerStory | undefined;
}

/** Makes a reader. It lives for one look through the disk, and reads what many images share once. */
export type PlatformReader = (files: PlatformFiles) => Platform;
