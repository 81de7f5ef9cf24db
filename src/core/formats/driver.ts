import type { ReadCache } from '../cache/readCache';
import type { ByteSource, Codecs, FileReference, GateAnswer, ImageIdentity, Layer } from '../model';

/** What an image's driver may ask of the world while it opens: nothing but its companions, through the gate. */
export interface OpenContext {
  readonly identity: ImageIdentity;
  readonly codecs: Codecs;
  /** True of the newest image of its chain: of those below less is told, since they may be many. */
  readonly isLeaf: boolean;
  /**
   * For what is read at random: `cache.of(source)` is the same file with pages kept. Bulk, and what must see the file as
   * it is, is read from the source itself.
   */
  readonly cache: ReadCache;
  /** Which of several states of the file its child means; undefined for the current one. */
  readonly state?: string | undefined;
  /** Opens a file that the image says holds part of its data. */
  openCompanion(reference: FileReference): GateAnswer;
}

export interface ProbeInput {
  /** The first bytes of the file: up to `PROBE_BYTES`. */
  readonly head: Uint8Array;
  /** The last bytes of the file: up to `PROBE_BYTES`. They are read when they are asked for. @throws DiskError `io` */
  readonly tail: Uint8Array;
  /** What there is of `length` bytes from a position on, read when it is asked for. @throws DiskError `io` */
  readonly at: (position: number, length: number) => Uint8Array;
  readonly size: number;
}

/** How much of a file's head and tail a probe sees. */
export const PROBE_BYTES = 4096;

/**
 * One disk-image format. To add one: ARCHITECTURE.md, "Adding a format".
 */
export interface Driver {
  /** The name that qemu-img uses: `qcow2`, `raw` … */
  readonly id: string;
  /** For people: "QEMU copy-on-write, version 2 and 3". */
  readonly title: string;
  /** File name patterns for which our editor is the default; none where names alone don't tell. */
  readonly patterns: readonly string[];
  /** True when the bytes are this format's. @throws DiskError `io` when it looks at the tail and that can't be read */
  probe(input: ProbeInput): boolean;
  /**
   * Opens one image and reads its header, never its parents.
   * @throws DiskError when the image can't be used at all
   */
  open(source: ByteSource, context: OpenContext): Layer;
}
