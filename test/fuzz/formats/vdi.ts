/** VirtualBox's VDICore.h. */
import { Dissection, type Grammar, type Layout } from './anatomy';

const HEADER: Layout = [
  [0x44, 4, 'small'],
  [0x48, 4, 'count'],
  [0x4c, 4, 'small'],
  [0x50, 4, 'flags'],
  [0x154, 4, 'offset'],
  [0x158, 4, 'offset'],
  [0x168, 4, 'count'],
  [0x170, 8, 'size'],
  [0x178, 4, 'count'],
  [0x17c, 4, 'count'],
  [0x180, 4, 'count'],
  [0x184, 4, 'count'],
  [0x188, 8, 'flags'],
  [0x1a8, 8, 'flags'],
  [0x1b8, 8, 'flags'],
];

export const vdi: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, true);
    found.structure(0, HEADER);
    const block = found.u32(0x178);
    found.table(found.u32(0x154), found.u32(0x180));
    found.place(found.u32(0x158));
    return found.result(block, [0n, 1n, 2n, 0xffffffffn, 0xfffffffen, 0xfffffffdn]);
  },
};
