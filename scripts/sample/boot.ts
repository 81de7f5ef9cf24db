import { noise } from '../../test/fixtures/build/random';

const SECTOR = 512;
const MIB = 1024 * 1024;
const text = new TextEncoder();

/** Bytes that the boot loader takes from the start of the disk, its table included. */
export const LOADER_BYTES = 28 * 1024;

/**
 * Real-mode code for 0000:7C00: prints the message behind it through BIOS interrupt 10h, then halts for good.
 *
 *     cli; xor ax, ax; mov ds, ax; mov ss, ax; mov sp, 7C00h; sti; cld; mov si, 7C20h
 *     next: lodsb; test al, al; jz stop; mov ah, 0Eh; mov bx, 7; int 10h; jmp next
 *     stop: hlt; jmp stop
 */
const BOOT_CODE = Uint8Array.of(
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb, 0xfc, 0xbe, 0x20, 0x7c,
  0xac, 0x84, 0xc0, 0x74, 0x09, 0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10, 0xeb, 0xf2,
  0xf4, 0xeb, 0xfd,
);
const MESSAGE = 'Larch Linux: this disk is made for looking at; there is nothing to boot.\r\n\0';

export interface Partition {
  /** Bytes from the start of the disk. */
  readonly start: number;
  readonly length: number;
  readonly type: number;
  readonly bootable: boolean;
}

export const LINUX = 0x83;
export const SWAP = 0x82;

/** The first LOADER_BYTES of a disk: boot code, partition table, and a second stage that only looks like one. */
export function loader(partitions: readonly Partition[], generation: number): Uint8Array {
  const out = new Uint8Array(LOADER_BYTES);
  out.set(noise(7000 + generation, LOADER_BYTES - SECTOR), SECTOR);
  out.set(text.encode(`larchboot 1.${generation}\0`), SECTOR);
  const sector = new DataView(out.buffer, 0, SECTOR);
  out.set(BOOT_CODE);
  out.set(text.encode(MESSAGE), BOOT_CODE.length);
  sector.setUint32(0x1b8, 0x3f2a91c7, true);
  partitions.forEach(({ start, length, type, bootable }, i) => {
    const at = 0x1be + i * 16;
    // Beyond what cylinders, heads and sectors can say: the marks that stand for "use the sector numbers".
    out.set([bootable ? 0x80 : 0, 0xfe, 0xff, 0xff, type, 0xfe, 0xff, 0xff], at);
    sector.setUint32(at + 8, start / SECTOR, true);
    sector.setUint32(at + 12, length / SECTOR, true);
  });
  sector.setUint16(0x1fe, 0xaa55, true);
  return out;
}

/** The first page of a swap partition of `length` bytes. */
export function swapHeader(length: number, uuid: string, label: string): Uint8Array {
  const page = new Uint8Array(4096);
  const view = new DataView(page.buffer);
  view.setUint32(1024, 1, true);
  view.setUint32(1028, length / 4096 - 1, true);
  page.set(uuid.replaceAll('-', '').match(/../g)?.map((hex) => parseInt(hex, 16)) ?? [], 1036);
  page.set(text.encode(label), 1052);
  page.set(text.encode('SWAPSPACE2'), 4086);
  return page;
}

export const ROOT_START = MIB;
export const FACTORY_DISK = 96 * MIB;
export const GROWN_DISK = 1024 * MIB;
export const SWAP_START = 896 * MIB;

export const FACTORY_PARTITIONS: readonly Partition[] = [
  { start: ROOT_START, length: FACTORY_DISK - ROOT_START, type: LINUX, bootable: true },
];
export const GROWN_PARTITIONS: readonly Partition[] = [
  { start: ROOT_START, length: SWAP_START - ROOT_START, type: LINUX, bootable: true },
  { start: SWAP_START, length: GROWN_DISK - SWAP_START, type: SWAP, bootable: false },
];
