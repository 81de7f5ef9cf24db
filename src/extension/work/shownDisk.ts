import { basename } from 'node:path';
import { formatEnding } from '../../core/imageNames';
import type { ImageSummary, LayerSummary } from '../../protocol/image';
import { plain } from '../text';

/** What an image is called, and the state of its disk that is shown. */
type Shown = Pick<ImageSummary, 'path' | 'layers' | 'standpoint'>;

/** Characters of a snapshot's name: a file's name may have 255 bytes, and a character takes up to four. */
const LONGEST = 48;

/** `web01.qcow2`, `web01.qcow2 (as of before-upgrade)`: the disk that is shown, in a title. */
export function shownDisk({ path, layers, standpoint }: Shown): string {
  const image = basename(path);
  const layer = layers[standpoint.depth];
  const state = stateName(layer, standpoint.view) ?? (standpoint.depth === 0 ? undefined : layerName(layer));
  return plain(state === undefined ? image : `${image} (as of ${state})`);
}

/** `web01.flat`, `web01.before-upgrade.flat`: a name for a copy of the disk that is shown, without its ending. */
export function copyName({ path, layers, standpoint }: Shown): string {
  const layer = layers[standpoint.depth];
  const snapshot = stateName(layer, standpoint.view);
  const file = stem(basename(layer?.path ?? path));
  const parts = [file, ...(snapshot === undefined ? [] : [safe(snapshot) || `snapshot-${safe(standpoint.view)}`])];
  return [...parts, 'flat'].join('.');
}

/** The internal snapshot that is shown; undefined for a layer's current state. */
function stateName(layer: LayerSummary | undefined, view: string): string | undefined {
  if (view === '') return undefined;
  const name = layer?.views.find(({ id }) => id === view)?.name ?? '';
  return name === '' ? view : name;
}

const layerName = (layer: LayerSummary | undefined): string => layer?.label ?? layer?.fileName ?? '';

/** libvirt calls an overlay `web01.before-upgrade`. */
const stem = (name: string): string => basename(name, formatEnding(name));

/** A snapshot's name is the image's word, and may be no name for a file: letters, digits, `.`, `_` and `-` are left. */
function safe(name: string): string {
  const kept = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/-*\.[-.]*/g, '.');
  return Array.from(kept)
    .slice(0, LONGEST)
    .join('')
    .replace(/^[-.]+|[-.]+$/g, '');
}
