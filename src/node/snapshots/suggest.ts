import * as fs from 'node:fs';
import * as path from 'node:path';
import { namesOtherFormat } from '../../core/imageNames';
import { isOurName } from '../ourFiles';

/** In bytes: leaves room for what a file in the making, or a note about it, has before and after its name. */
const LONGEST_NAME = 200;
/** Parts paths, or means something to Windows, to QEMU or to a terminal. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}/\\:*?"<>|]+/gu;

/**
 * A free name beside the base by libvirt's habit: what stands after the last dot replaced by the snapshot's name. Where
 * the base's own name tells another format, `.qcow2` follows: among its kind nobody would expect one.
 * @param name as a person types it: `before-upgrade`
 */
export function suggestOverlay(base: string, name: string): string {
  const { dir, base: file } = path.parse(base);
  const dot = file.lastIndexOf('.');
  const stem = dot > 0 ? file.slice(0, dot) : file;
  const wanted = sanitised(name);
  const kind = namesOtherFormat(file) ? '.qcow2' : '';
  for (let count = 1; ; count += 1) {
    const ending = (count === 1 ? `.${wanted}` : `.${wanted}-${count}`) + kind;
    const suggestion = path.join(dir, shortened(stem, LONGEST_NAME - Buffer.byteLength(ending)) + ending);
    if (!fs.lstatSync(suggestion, { throwIfNoEntry: false })) return suggestion;
  }
}

function sanitised(name: string): string {
  const clean = name.replace(UNSAFE, '-').replace(/^[\s.]+|[\s.]+$/g, '');
  const short = shortened(clean, LONGEST_NAME / 2) || 'snapshot';
  return isOurName(`disk.${short}`) ? `snapshot-${short}` : short;
}

function shortened(text: string, bytes: number): string {
  let short = text;
  while (Buffer.byteLength(short) > bytes) short = Array.from(short).slice(0, -1).join('');
  return short;
}
