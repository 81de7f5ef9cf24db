import { basename } from 'node:path';
import { formatBytes } from '../../core/units';
import { useOverlay } from '../../core/snapshots/otherPrograms';
import type { Created, CreateRequest } from '../../core/snapshots/model';

export type OverlayOptions = Pick<CreateRequest, 'clusterSize' | 'extendedL2' | 'compat' | 'absolute'>;

/** `2026-11-25`: a name that says when, for whoever does not care to think of another. */
export function dayName(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Why a snapshot can't be called that; undefined where it can. */
export function nameProblem(name: string): string | undefined {
  const trimmed = name.trim();
  if (trimmed === '') return 'A snapshot needs a name';
  if (/[/\\]/.test(trimmed)) return 'A name has no slashes: the new layer lies beside its base';
  if (/[\p{Cc}\p{Cf}]/u.test(trimmed)) return 'A name has no control characters';
  return undefined;
}

/** `On web01.img, clusters as it has them, named relative to it`. */
export function optionsText(base: string, options: OverlayOptions): string {
  const { clusterSize, extendedL2, compat, absolute } = options;
  return [
    `On ${base}`,
    clusterSize === undefined ? 'clusters as the base has them' : `clusters of ${formatBytes(clusterSize)}`,
    ...(extendedL2 === true ? ['extended L2'] : []),
    ...(compat === '0.10' ? ['qcow2 version 2'] : []),
    absolute === true ? 'with the base’s whole path' : 'the base named relative to it',
  ].join(', ');
}

type Told = Pick<Created, 'overlay' | 'base' | 'backingFormat' | 'fileSize'>;

/** What to do once a layer is there: a VM that goes on with the old file breaks the new one. */
export function createdText({ overlay, base, backingFormat, fileSize }: Told): string {
  const made = `${basename(overlay)} (${formatBytes(fileSize)}) now stands on ${basename(base)}.`;
  return `${made} ${useOverlay(basename(overlay), backingFormat)} from now on: writing to ${basename(base)} would break it.`;
}
