import { Dissection, type Grammar } from './anatomy';
import { parallels } from './parallels';
import { qcow, qed } from './qemuFormats';
import { vdi } from './vdi';
import { vhd } from './vhd';
import { vhdx } from './vhdx';
import { vmdk } from './vmdk';

/** By driver id. */
const GRAMMARS: Readonly<Record<string, Grammar>> = { qcow, qed, vmdk, vdi, vpc: vhd, vhdx, parallels };

const WORDS = 64;

/** Of a format whose grammar is not known: the numbers that a header may begin with, and what is written elsewhere. */
const ANY: Grammar = {
  dissect: (image) => {
    const found = new Dissection(image, false);
    found.table(0, WORDS, { width: 8 });
    for (const { offset } of image.chunks().slice(0, WORDS)) found.table(offset, 2, { width: 8 });
    return found.result(512, [0n]);
  },
};

export const grammarOf = (format: string): Grammar => GRAMMARS[format] ?? ANY;
