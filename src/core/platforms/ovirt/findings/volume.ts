import type { Diagnosis } from '../../../snapshots/model';
import { formatBytes } from '../../../units';
import type { Volume } from '../domain';
import type { VolumeMeta } from '../meta';
import { mergeFinding, rebasedPast } from './merge';
import type { Evidence } from './words';
import { ASK_SUPPORT, backingName, childrenByMeta, diagnosis, metaOf } from './words';

/** What is wrong with one volume: its files, its metadata, and what its own header says against it. */
export function* volumeFindings(evidence: Evidence, volume: Volume): Generator<Diagnosis> {
  yield* fileFindings(volume);
  const meta = metaOf(volume);
  if (!meta) return;
  yield* placeFindings(evidence, volume, meta);
  if (meta.legality === 'FAKE') {
    yield diagnosis(
      'volume-fake',
      'warning',
      volume.path,
      'the volume is FAKE: a stand-in for a template that is not there',
      {
        meaning: 'It was made when a VM was imported without its template. It holds no data of its own.',
        advice: 'Import the template in the engine.',
      },
    );
  }
  if (meta.legality === 'ILLEGAL') yield mergeFinding(evidence, volume, meta);
  yield* typeFindings(evidence, volume, meta);
  yield* headerFindings(evidence, volume, meta);
}

function* fileFindings({ path, data, meta, lease }: Volume): Generator<Diagnosis> {
  const metaFile = `${path}.meta`;
  if (data === undefined) {
    yield diagnosis(
      'volume-data-missing',
      'error',
      path,
      'the volume’s data is not there, though its metadata or lease is',
      {
        meaning: 'What the layer held is gone, or a removal was interrupted after the data went.',
        certainty: 'certain',
        advice:
          'If the engine still lists the disk, restore the file from a backup; else let the engine’s support remove the rest.',
      },
    );
  } else if (data.kind !== 'file') {
    yield diagnosis('volume-data-missing', 'error', path, 'where the volume’s data should be is no plain file', {
      meaning: 'The layer can’t be read.',
      advice: ASK_SUPPORT,
    });
  }
  if (meta === undefined) {
    yield diagnosis('volume-meta-missing', 'error', metaFile, 'the volume has no .meta file', {
      meaning:
        'The engine can’t use this volume, nor any layer above it: its parent, size and format are not known to it.',
      advice: ASK_SUPPORT,
    });
  } else if (meta.kind === 'cleared') {
    yield diagnosis('volume-cleared', 'warning', metaFile, 'the volume’s metadata was cleared (NONE)', {
      meaning: 'Its removal was begun and did not finish: the engine no longer counts it, its space is still taken.',
      advice: 'Let the engine finish: remove the snapshot or the disk again.',
    });
  } else if (meta.kind === 'broken') {
    yield diagnosis('volume-meta-broken', 'error', metaFile, `the volume’s .meta file can’t be used: ${meta.why}`, {
      meaning: 'The engine can’t use this volume, nor any layer above it.',
      advice: ASK_SUPPORT,
    });
  } else if (meta.oddities.length > 0) {
    yield diagnosis(
      'volume-meta-broken',
      'warning',
      metaFile,
      `the volume’s .meta file is odd: ${meta.oddities.join('; ')}`,
      {
        meaning: 'The engine may refuse the volume when it next reads this file.',
        certainty: 'likely',
        advice: ASK_SUPPORT,
      },
    );
  }
  if (!lease && meta?.kind !== 'cleared') {
    yield diagnosis('volume-lease-missing', 'warning', `${path}.lease`, 'the volume has no .lease file', {
      meaning: 'The engine takes this lease before it merges or copies the volume: such work on it will fail.',
      advice: ASK_SUPPORT,
    });
  }
}

/** Whether it is where its metadata says it is. */
function* placeFindings(
  { domain, domainUuid, folder }: Evidence,
  { path }: Volume,
  meta: VolumeMeta,
): Generator<Diagnosis> {
  const metaFile = `${path}.meta`;
  if (domainUuid !== '' && meta.domain !== domainUuid) {
    yield diagnosis(
      'volume-domain',
      'error',
      metaFile,
      `the volume says it belongs to the storage domain ${meta.domain}, not to this one`,
      {
        meaning: 'It was copied here by hand, or a move between domains did not finish.',
        certainty: 'likely',
        advice: ASK_SUPPORT,
      },
    );
  }
  if (meta.image === folder.uuid) return;
  if (domain.image(meta.image) === undefined) {
    yield diagnosis(
      'unknown-image',
      'error',
      metaFile,
      `the volume says it belongs to the image ${meta.image}, which this domain has not`,
      {
        meaning:
          meta.role === 'SHARED'
            ? 'The template’s own folder is gone; what stands on it here still reads, through this link.'
            : 'The folder was renamed or copied by hand: the engine looks for the volume elsewhere.',
        certainty: 'likely',
        advice: ASK_SUPPORT,
      },
    );
  } else if (meta.role !== 'SHARED') {
    yield diagnosis(
      'volume-image',
      'error',
      metaFile,
      `the volume says it belongs to the image ${meta.image}, and lies in the folder of another`,
      {
        meaning: 'Only a template’s volume may lie in other images’ folders; this one is none.',
        advice: ASK_SUPPORT,
      },
    );
  }
}

function* typeFindings({ folder }: Evidence, { uuid, path }: Volume, meta: VolumeMeta): Generator<Diagnosis> {
  if (meta.legality === 'ILLEGAL') return; // What its type is goes with the merge that was interrupted.
  const children = childrenByMeta(folder, uuid).length;
  const allKnown = [...folder.volumes.values()].every((volume) => metaOf(volume) !== undefined);
  if (meta.role === 'LEAF' && children > 0) {
    yield diagnosis(
      'volume-type',
      'warning',
      `${path}.meta`,
      `the volume says it is the newest layer (LEAF), yet ${children === 1 ? 'another stands' : `${children} others stand`} on it`,
      {
        meaning: 'A snapshot’s creation, or a merge, was interrupted before the metadata was complete.',
        certainty: 'likely',
        advice: ASK_SUPPORT,
      },
    );
  } else if (meta.role === 'INTERNAL' && children === 0 && allKnown) {
    yield diagnosis(
      'volume-type',
      'warning',
      `${path}.meta`,
      'the volume says that another stands on it (INTERNAL), yet none does',
      {
        meaning: 'The newest layer of this disk was lost, or an undone preview left this behind.',
        certainty: 'likely',
        advice: ASK_SUPPORT,
      },
    );
  }
}

/** What only the volume's own header tells, which the engine's tools do not open. */
function* headerFindings(evidence: Evidence, volume: Volume, meta: VolumeMeta): Generator<Diagnosis> {
  if (volume.data?.kind !== 'file') return;
  const { path } = volume;
  const header = evidence.headers.get(path);
  const isQcow2 = header?.format === 'qcow2';
  if (meta.format === 'COW' && !isQcow2) {
    yield diagnosis(
      'volume-format',
      'error',
      path,
      'the metadata says FORMAT=COW, yet the file does not begin as a qcow2 image',
      {
        meaning: 'The engine would start the VM with the wrong format: it refuses, or the guest sees garbage.',
        advice: ASK_SUPPORT,
      },
    );
    return;
  }
  if (meta.format === 'RAW' && isQcow2) {
    yield diagnosis(
      'volume-format',
      'warning',
      path,
      'the metadata says FORMAT=RAW, yet the file begins as a qcow2 image',
      {
        meaning:
          'Either the metadata is wrong, or the guest itself wrote a qcow2 header at the start of its disk. The engine reads it as raw.',
        certainty: 'possible',
        advice: 'Do not let a program guess the format of this file. Find out from the engine which of the two it is.',
      },
    );
    return;
  }
  if (header === undefined) return;
  if (meta.capacity !== undefined && header.guestSize !== meta.capacity) {
    const has = isQcow2 ? 'its header says' : 'the file has';
    yield diagnosis(
      'volume-size',
      header.guestSize < meta.capacity ? 'error' : 'warning',
      path,
      `the metadata says the disk has ${formatBytes(meta.capacity)} (${meta.capacity} bytes), ${has} ${formatBytes(header.guestSize)} (${header.guestSize})`,
      {
        meaning: 'A resize was interrupted, or the file was cut short. The VM sees the size that the file has.',
        certainty: 'likely',
        advice: 'Let the engine resize the disk again; if the file was cut short, restore it from a backup.',
      },
    );
  }
  if (!isQcow2) return;
  yield* backingFindings(evidence, volume, meta, backingName(header));
}

function* backingFindings(
  { folder }: Evidence,
  { path }: Volume,
  { parent }: VolumeMeta,
  backing: string | undefined,
): Generator<Diagnosis> {
  if (backing === parent) return;
  const advice = ASK_SUPPORT;
  if (parent === undefined) {
    yield diagnosis(
      'volume-backing',
      'error',
      path,
      `the metadata says this is a base, yet its header stands on ${backing ?? ''}`,
      {
        meaning:
          'The engine takes the layer for whole; a merge or a copy that goes by its metadata would lose what lies below.',
        advice,
      },
    );
  } else if (backing === undefined) {
    yield diagnosis(
      'volume-without-backing',
      'error',
      path,
      `the metadata names the parent ${parent}, yet the header of the file names none`,
      {
        meaning:
          'Whatever this layer does not hold reads as zero: the disk is corrupt in the guest’s eyes, though no file is damaged.',
        advice,
      },
    );
  } else if (!rebasedPast(folder, parent, backing)) {
    yield diagnosis(
      'volume-backing',
      'error',
      path,
      `the metadata names the parent ${parent}, yet the header of the file stands on ${backing}`,
      {
        meaning:
          'The engine and QEMU do not agree what lies below this layer. QEMU goes by the header; the next merge goes by the metadata and may write into the wrong volume.',
        advice: `Do not merge or delete snapshots of this disk before it is cleared up. ${advice}`,
      },
    );
  }
}
