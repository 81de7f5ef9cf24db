import type { Layer, OpenedSource } from '../core';
import { ReadCache } from '../core/cache/readCache';
import { DiskError } from '../core/errors';
import { driverNamed } from '../core/formats/registry';
import { codecs } from './codecs';

/** An image's own header; nothing that it names is opened. The source stays whoever's it is. @throws DiskError */
export function headerOf({ source, identity }: OpenedSource, format: string): Layer {
  const driver = driverNamed(format);
  if (!driver) throw new DiskError('unsupported', `the format "${format}" is not known`, { file: identity.path });
  return driver.open(source, {
    identity,
    codecs,
    isLeaf: false,
    cache: new ReadCache(),
    openCompanion: ({ written }) => ({
      ok: false,
      refusal: { reason: 'outside', name: written, message: 'not asked for' },
    }),
  });
}
