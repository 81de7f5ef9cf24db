import { ZSTDDecoder } from 'zstddec';

/** What of its WebAssembly the package does not use itself. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(address: number): void;
  ZSTD_decompress(target: number, capacity: number, source: number, length: number): number;
}

let loaded: Decompressor | undefined;

/** The package's `decode` copies each answer and asks for new memory each time, which takes a third of its time. */
class Package extends ZSTDDecoder {
  /** Is called without an object. */
  override _init(result: { readonly instance: { readonly exports: unknown } }): void {
    super._init(result);
    loaded = new Decompressor(result.instance.exports as Exports);
  }
}

/** Decompresses in the WebAssembly's own memory. */
class Decompressor {
  private readonly input: Room;
  private readonly output: Room;

  constructor(private readonly wasm: Exports) {
    this.input = new Room(wasm);
    this.output = new Room(wasm);
  }

  decompress(input: Uint8Array, size: number): Uint8Array {
    const { wasm } = this;
    const source = this.input.of(input.length);
    const target = this.output.of(size);
    new Uint8Array(wasm.memory.buffer).set(input, source);
    // An error's code is a small negative number, or a length that is as large where it is not taken for one.
    const length = wasm.ZSTD_decompress(target, size, source, input.length) >>> 0;
    if (length > size) throw new Error(`zstd: error ${2 ** 32 - length}`);
    return new Uint8Array(wasm.memory.buffer, target, length);
  }
}

/** A place in the memory, used again and again while it is large enough. */
class Room {
  private bytes = 0;
  private address = 0;

  constructor(private readonly wasm: Exports) {}

  of(bytes: number): number {
    if (bytes <= this.bytes) return this.address;
    this.wasm.free(this.address);
    this.bytes = 0;
    this.address = this.wasm.malloc(bytes);
    if (this.address === 0) throw new Error(`zstd: no memory for ${bytes} bytes`);
    this.bytes = bytes;
    return this.address;
  }
}

let loading: Promise<void> | undefined;

/** Resolves once `unzstd` can be called. */
export function zstdReady(): Promise<void> {
  loading ??= new Package().init();
  return loading;
}

/**
 * Decompresses one frame.
 * @returns at most `size` bytes, which the next call overwrites
 * @throws when it is none, or holds more
 */
export function unzstd(input: Uint8Array, size: number): Uint8Array {
  if (!loaded) throw new Error('zstd is not loaded');
  return loaded.decompress(input, size);
}
