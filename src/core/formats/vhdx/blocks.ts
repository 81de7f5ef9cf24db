import { readPadded } from '../../bytes';
import type { ByteSource } from '../../model';
import type { BlockMap, Blocks } from '../blocks/blockMap';
import type { BatLayout } from './bat';
import { Bat } from './bat';
import type { Metadata } from './metadata';

/** The same file twice: as it is, and with its pages kept. */
export interface Files {
  readonly bulk: ByteSource;
  readonly random: ByteSource;
}

/** The blocks of a VHDX, as its table has them. */
export class VhdxBlocks implements Blocks {
  readonly size: number;
  readonly blockSize: number;
  readonly sectorUnit: number | undefined;
  readonly dataEnd: number;
  /** [MS-VHDX] 2.4: a payload block is as long as all others. QEMU refuses a file that ends inside of one. */
  readonly spaceIsWhole = true;

  constructor(
    private readonly files: Files,
    { diskSize, blockSize, hasParent, logicalSector }: Metadata,
    private readonly layout: BatLayout,
  ) {
    this.size = diskSize;
    this.blockSize = blockSize;
    this.sectorUnit = hasParent ? logicalSector : undefined;
    this.dataEnd = files.bulk.size;
  }

  open(random: boolean, windowBytes: number): BlockMap {
    return new Bat(random ? this.files.random : this.files.bulk, this.layout, { windowBytes, random });
  }

  readData(host: number, target: Uint8Array): void {
    readPadded(this.files.random, target, host);
  }

  close(): void {
    this.files.random.close();
  }
}
