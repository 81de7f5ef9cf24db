import assert from 'node:assert/strict';
import type { OffersWorld } from '../../../src/extension/diskOffers';
import { DiskOffers } from '../../../src/extension/diskOffers';

describe('a file that VS Code opens', () => {
  let asked: string[] = [];
  let looked: string[] = [];
  let opened: string[] = [];
  const offers = (world: Partial<OffersWorld> = {}): DiskOffers =>
    new DiskOffers({
      formatOf: (path) => {
        looked.push(path);
        return Promise.resolve('vpc');
      },
      isText: () => false,
      ask: (question, button) => {
        asked.push(question);
        return Promise.resolve(button);
      },
      open: (path) => {
        opened.push(path);
        return Promise.resolve();
      },
      ...world,
    });
  beforeEach(() => {
    [asked, looked, opened] = [[], [], []];
  });

  it('is offered as the disk that it is, where its name does not tell', async () => {
    await offers().opened('/vm/Dyn.VHD');
    assert.deepEqual(asked, ['Dyn.VHD is a disk image (VHD)']);
    assert.deepEqual(opened, ['/vm/Dyn.VHD']);
  });

  it('is offered once', async () => {
    const offered = offers({ ask: (question) => Promise.resolve(void asked.push(question)) });
    await offered.opened('/vm/dyn.vhd');
    await offered.opened('/vm/dyn.vhd');
    await offered.opened('/vm/other.img');
    assert.deepEqual(asked, ['dyn.vhd is a disk image (VHD)', 'other.img is a disk image (VHD)']);
    assert.deepEqual(opened, []);
  });

  it('is not looked into where disks have no such name', async () => {
    await offers().opened('/vm/notes.txt');
    await offers().opened('/vm/disk.vmdk');
    assert.deepEqual(looked, []);
  });

  it('is left alone where it is no disk, or is shown as text', async () => {
    await offers({ formatOf: () => Promise.resolve(undefined) }).opened('/src/counter.vhd');
    await offers({ isText: () => true }).opened('/src/counter.vhd');
    assert.deepEqual(asked, []);
  });
});
