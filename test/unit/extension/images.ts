import { basename } from 'node:path';
import type { ChainEnd, InternalSnapshot } from '../../../src/core/model';
import type { SurveyedImage } from '../../../src/protocol/image';

/** A surveyed image as the worker tells of it; its id is its path unless another is given. */
export function image(path: string, more: Partial<SurveyedImage> = {}): SurveyedImage {
  return {
    id: path,
    path,
    fileName: basename(path),
    depth: 0,
    format: 'qcow2',
    guestSize: 64 * 2 ** 20,
    fileSize: 196_608,
    grain: 65_536,
    backing: null,
    views: [{ id: '', name: 'Current', guestSize: 64 * 2 ** 20 }],
    bitmaps: [],
    facts: [],
    findings: [],
    readable: true,
    checkable: false,
    ...more,
  };
}

/** An image whose parent is the one at `parent`. */
export function overlay(path: string, parent: string, more: Partial<SurveyedImage> = {}): SurveyedImage {
  return image(path, { backing: basename(parent), parent: { kind: 'found', id: parent, path: parent }, ...more });
}

export function orphan(
  path: string,
  name: string,
  end: Partial<Exclude<ChainEnd, { kind: 'base' }>> = {},
): SurveyedImage {
  const message = `the parent ${name} can't be opened: no such file`;
  return image(path, { backing: name, parent: { kind: 'missing', written: name, name, message, ...end } });
}

export function snapshotNamed(name: string): InternalSnapshot {
  return { id: '1', name, date: 0, dateNanoseconds: 0, vmClock: { seconds: 0, nanoseconds: 0 }, vmStateSize: 0 };
}
