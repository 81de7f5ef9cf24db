/** What `vmdisk info` prints, compared with `qemu-img info`. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { missingFrom } from './compare';

export type Facts = Readonly<Record<string, unknown>>;

/** Keys of `qemu-img info` that differ from machine to machine or day to day, or say more of them than of the image. */
const VOLATILE = ['actual-size', 'filename', 'children'];

/** What `qemu-img info` says of an image that stays the same wherever the image is. */
export function lastingInfo(info: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const lasting = structuredClone(Object.fromEntries(Object.entries(info).filter(([key]) => !VOLATILE.includes(key))));
  // What a LUKS header inside an image says is drawn by QEMU anew each time, and is no part of qcow2.
  const { data } = (lasting['format-specific'] ?? {}) as { data?: { encrypt?: { format: string } } };
  if (data?.encrypt) data.encrypt = { format: data.encrypt.format };
  return lasting;
}

/**
 * @param folder where the image is
 * @param expected by `lastingInfo`
 * @throws AssertionError unless all of it is told, and nothing that qemu-img would have told otherwise
 */
export function assertInfo(folder: string, actual: Facts, expected: Facts): void {
  const { 'full-backing-filename': full, ...others } = expected;
  assert.deepEqual(missingFrom(actual, others), []);
  const unexpected = ['backing-filename', 'backing-filename-format', 'snapshots', 'encrypted'];
  for (const key of unexpected.filter((name) => !(name in expected))) {
    assert.equal(actual[key], undefined, `${key}, of which qemu-img knows nothing`);
  }
  // QEMU takes `file:` and `json:` names as they are, from the working folder; others it puts behind the image's.
  if (typeof full === 'string' && !/^(file|json):/.test(full)) {
    assert.equal(resolve(folder, String(actual['full-backing-filename'])), resolve(folder, full));
  }
}
