import { Random } from '../../test/fixtures/build/random';
import {
  FACTORY_DISK, FACTORY_PARTITIONS, GROWN_DISK, GROWN_PARTITIONS, loader, SWAP_START, swapHeader,
} from './boot';
import { BLOCK, blockOf } from './content';
import { Disk, DISCARDED, Player } from './disk';
import type { Guest } from './asset';

const SWAP_UUID = 'e0b9c1d7-52a8-4f0e-8f6c-1a7f3b2d9c64';
const MIB = 1024 * 1024;
const JOURNAL_MAGIC = 0xc03b3998;

/** The states that the sample's images show, each a disk that remembers what its step wrote. */
export interface Life {
  readonly factory: Disk;
  readonly afterInstall: Disk;
  readonly ready: Disk;
  readonly beforeUpgrade: Disk;
  readonly upgraded: Disk;
  readonly experiment: Disk;
}

/**
 * The whole life of the guest. What a file system's own record leaves out is added here: the boot loader, the
 * journal's traffic, pages that the database changed in place, and what was swapped out.
 */
export function liveThrough(guest: Guest): Life {
  const player = new Player(guest);
  const journal = player.journal();
  const { spec: database, pages } = player.pages('after-install', 'BURROWDB');

  /** Old transactions: the file system was unmounted cleanly, nothing replays them. */
  const journalTraffic = (disk: Disk, from: number, count: number, sequence: number): void => {
    for (let i = 0; i < count; i++) {
      const random = new Random(sequence * 10_000 + i);
      const block = new Uint8Array(BLOCK);
      if (i % 9 === 0) {
        const header = new DataView(block.buffer);
        header.setUint32(0, JOURNAL_MAGIC);
        header.setUint32(4, 1);
        header.setUint32(8, sequence + Math.floor(i / 9));
      } else {
        block.set(random.bytes(700), 512);
      }
      // The journal's own superblock is its first block: traffic begins behind it.
      const at = journal[1 + ((from + i) % (journal.length - 1))];
      if (at !== undefined) {
        disk.write(at, () => block);
      }
    }
  };

  /** Bursts of neighbouring pages, here and there in the file. */
  const changePages = (disk: Disk, bursts: number, longest: number, version: number): void => {
    const random = new Random(8000 + version);
    for (let burst = 0; burst < bursts; burst++) {
      const first = random.below(pages.size - longest);
      for (let i = 1 + random.below(longest); i > 0; i--) {
        const page = first + i - 1;
        const block = pages.get(page);
        if (block !== undefined) {
          disk.write(block, () => blockOf(database, page, version), database);
        }
      }
    }
  };

  const swapOut = (disk: Disk, bursts: number, longest: number, seed: number): void => {
    const random = new Random(seed);
    for (let burst = 0; burst < bursts; burst++) {
      const first = SWAP_START / BLOCK + 64 + random.below(10_000);
      for (let i = 1 + random.below(longest); i > 0; i--) {
        const page = random.bytes(BLOCK);
        page.fill(0, 256 + random.below(BLOCK / 2));
        disk.write(first + i, () => page);
      }
    }
  };

  const discardSwap = (disk: Disk, start: number, length: number): void => {
    for (let at = start; at < start + length; at += BLOCK) {
      disk.clear((SWAP_START + at) / BLOCK, DISCARDED);
    }
  };

  const factory = new Disk(FACTORY_DISK);
  player.play('factory', factory, 1);
  factory.writeBytes(0, loader(FACTORY_PARTITIONS, 1));
  journalTraffic(factory, 0, 90, 10);

  const afterInstall = new Disk(GROWN_DISK, factory);
  player.play('after-install', afterInstall, 16);
  afterInstall.writeBytes(0, loader(GROWN_PARTITIONS, 1).subarray(0, BLOCK));
  afterInstall.writeBytes(SWAP_START / BLOCK, swapHeader(GROWN_DISK - SWAP_START, SWAP_UUID, 'swap'));
  journalTraffic(afterInstall, 90, 420, 40);

  const ready = new Disk(GROWN_DISK, afterInstall);
  player.play('ready', ready, 4);
  journalTraffic(ready, 510, 160, 300);
  changePages(ready, 160, 14, 1);
  swapOut(ready, 18, 9, 71);
  discardSwap(ready, 40 * MIB, 56 * MIB);

  const beforeUpgrade = new Disk(GROWN_DISK, ready);
  player.play('before-upgrade', beforeUpgrade, 4);
  journalTraffic(beforeUpgrade, 670, 200, 500);
  changePages(beforeUpgrade, 240, 12, 2);
  swapOut(beforeUpgrade, 12, 12, 72);

  const upgraded = new Disk(GROWN_DISK, beforeUpgrade);
  player.play('upgraded', upgraded, 16);
  upgraded.writeBytes(0, loader(GROWN_PARTITIONS, 2));
  journalTraffic(upgraded, 870, 140, 800);
  changePages(upgraded, 70, 60, 3);
  swapOut(upgraded, 6, 20, 73);

  const experiment = new Disk(GROWN_DISK, beforeUpgrade);
  player.play('experiment', experiment, 1);
  journalTraffic(experiment, 870, 60, 800);
  changePages(experiment, 160, 7, 4);

  return { factory, afterInstall, ready, beforeUpgrade, upgraded, experiment };
}
