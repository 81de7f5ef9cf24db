import type { Diagnosis } from '../../../snapshots/model';
import type { VolumeMeta } from '../meta';
import type { Evidence } from './words';
import { ASK_SUPPORT, diagnosis, metaOf } from './words';

/**
 * How the volumes of one disk hang together by their metadata: all that `vdsm-tool dump-volume-chains` tells of
 * (vdsm, `lib/vdsm/tool/dump_volume_chains.py`).
 */
export function* chainFindings({ folder, previewed }: Evidence): Generator<Diagnosis> {
  const metas = new Map<string, VolumeMeta>();
  for (const volume of folder.volumes.values()) {
    const meta = metaOf(volume);
    if (meta) metas.set(volume.uuid, meta);
  }
  if (metas.size === 0) return;
  const children = new Map<string | undefined, string[]>();
  for (const [uuid, { parent }] of metas) children.set(parent, [...(children.get(parent) ?? []), uuid]);

  for (const [parent, uuids] of children) if (uuids.length > 1) yield severalOn(folder.path, parent, uuids, previewed);
  for (const [uuid, { parent }] of metas) {
    if (parent === undefined || metas.has(parent)) continue;
    const there = folder.volumes.has(parent) ? 'whose metadata can’t be read' : 'which this disk has not';
    yield diagnosis('unknown-parent', 'error', `${folder.path}/${uuid}`, `the volume’s parent is ${parent}, ${there}`, {
      meaning: 'What this layer does not hold itself is lost to the VM until the parent is back.',
      advice: ASK_SUPPORT,
    });
  }
  if (!children.has(undefined)) {
    yield diagnosis('no-base-volume', 'error', folder.path, 'no volume of this disk is a base: each names a parent', {
      meaning: 'The oldest layer is missing, or the layers name each other in a circle.',
      advice: ASK_SUPPORT,
    });
  }
  const ring = ringIn(metas);
  if (ring.length > 0) {
    yield diagnosis(
      'volume-loop',
      'error',
      folder.path,
      `volumes name each other as parents in a circle: ${ring.join(', ')}`,
      {
        meaning: 'No read of such a chain ever ends: the engine refuses the disk.',
        advice: ASK_SUPPORT,
      },
    );
  }
  const reached = reachable(children);
  const orphans = [...metas.keys()].filter((uuid) => !reached.has(uuid));
  if (orphans.length > 0 && children.has(undefined)) {
    yield diagnosis(
      'orphan-volumes',
      'error',
      folder.path,
      `volumes that do not hang together with the base of this disk: ${orphans.join(', ')}`,
      {
        meaning:
          'They take space and no VM can read them as they are: what lay between them and the base is gone or misnamed.',
        advice: ASK_SUPPORT,
      },
    );
  }
}

function severalOn(path: string, parent: string | undefined, uuids: readonly string[], previewed: boolean): Diagnosis {
  const names = uuids.join(', ');
  if (parent === undefined) {
    return diagnosis('two-volumes-one-parent', 'error', path, `more than one volume of this disk is a base: ${names}`, {
      meaning: 'A disk has one base. One of them was left by an interrupted copy, or has lost its parent.',
      advice: ASK_SUPPORT,
    });
  }
  return previewed
    ? diagnosis('two-volumes-one-parent', 'info', path, `two layers stand on ${parent}: ${names}; a preview goes on`, {
        meaning: 'This is how a preview looks. It ends when it is committed or undone.',
        advice: 'Commit or undo the preview in the engine when it is no longer needed.',
      })
    : diagnosis('two-volumes-one-parent', 'warning', path, `more than one volume stands on ${parent}: ${names}`, {
        meaning: 'Normal while a snapshot is previewed; otherwise what an interrupted preview or merge left.',
        certainty: 'possible',
        advice: 'Look in the engine whether the VM has a snapshot in preview: commit or undo it there.',
      });
}

/** The volumes of the first ring that is found. */
function ringIn(metas: ReadonlyMap<string, VolumeMeta>): readonly string[] {
  const done = new Set<string>();
  for (const start of metas.keys()) {
    const way: string[] = [];
    const onWay = new Set<string>();
    for (let at: string | undefined = start; at !== undefined && !done.has(at); at = metas.get(at)?.parent) {
      if (onWay.has(at)) return way.slice(way.indexOf(at));
      onWay.add(at);
      way.push(at);
    }
    for (const uuid of way) done.add(uuid);
  }
  return [];
}

function reachable(children: ReadonlyMap<string | undefined, readonly string[]>): ReadonlySet<string> {
  const reached = new Set(children.get(undefined));
  for (const uuid of reached) for (const child of children.get(uuid) ?? []) reached.add(child);
  return reached;
}
