import { basename } from 'node:path';
import { isSharedName } from '../core/imageNames';
import { formatName } from '../core/units';
import { pathKey } from './paths';
import { message } from './text';

export interface OffersWorld {
  /** The format of the disk that a file is by its bytes; undefined for what is none, or can't be read. */
  formatOf(path: string): Promise<string | undefined>;
  /** An editor shows the file's text. */
  isText(path: string): boolean;
  ask(question: string, button: string): Thenable<string | undefined>;
  open(path: string): Promise<void>;
}

const OPEN = 'Open as Disk Image';

/**
 * Of a name that disks share with other files our editor is not the default, and VS Code only says that it shows no
 * binary files: whoever opens a disk of such a name is told what it is, once for each file.
 */
export class DiskOffers {
  private readonly looked = new Set<string>();

  constructor(private readonly world: OffersWorld) {}

  /** A file was opened, or came to the front, in an editor of VS Code's own. */
  async opened(path: string): Promise<void> {
    const name = basename(path);
    if (!isSharedName(name) || this.looked.has(pathKey(path))) return;
    this.looked.add(pathKey(path));
    const format = await this.world.formatOf(path);
    if (format === undefined || this.world.isText(path)) return;
    const question = message(`${name} is a disk image (${formatName(format)})`);
    if ((await this.world.ask(question, OPEN)) === OPEN) await this.world.open(path);
  }
}
