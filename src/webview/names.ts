import { formatEnding } from '../core/imageNames';
import type { ChainEnd } from '../core/model';
import type { LayerSummary } from '../protocol/image';

const UUID = /^([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Named = Pick<LayerSummary, 'fileName' | 'label' | 'preview'>;

/** Any ending that tells no format may be the name of a snapshot. */
const stem = (fileName: string): string => fileName.slice(0, fileName.length - formatEnding(fileName).length);

/**
 * What each layer is called, newest first: the platform's name where it is known; otherwise `Current` for the newest (of
 * a preview, `Preview`), `Base` for the base, and for all others the part of the file name in which they differ. No two
 * are equal.
 * @param overlays how many images are known to stand on the newest of these, which then holds an older state, too
 */
export function layerNames(layers: readonly Named[], end: ChainEnd['kind'], overlays = 0): string[] {
  const stems = layers.map((layer) => stem(layer.fileName));
  const common = commonStem(stems);
  const names = layers.map((layer, depth) => {
    if (layer.label !== undefined) return layer.label;
    const own = stems[depth] ?? '';
    if (layers.length > 1 && depth === 0 && overlays === 0) return layer.preview ? 'Preview' : 'Current';
    if (layers.length > 1 && end === 'base' && depth === layers.length - 1) return 'Base';
    if (layers.length === 1) return short(own);
    return short(own.slice(common.length).replace(/^[._\- ]+/, '') || own);
  });
  return names.map((name, depth) => {
    if (names.indexOf(name) === depth && names.lastIndexOf(name) === depth) return name;
    const fileName = layers[depth]?.fileName ?? '';
    return `${name} (${fileName === name ? depth + 1 : fileName})`;
  });
}

const short = (name: string): string => {
  const head = UUID.exec(name)?.[1];
  return head === undefined ? name : `${head}…`;
};

/** The longest beginning that all names share and that ends where a word does. */
function commonStem(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let length = first.length;
  for (const name of others) {
    while (!name.startsWith(first.slice(0, length))) length -= 1;
  }
  const whole = (name: string): boolean => length === name.length || /[._\- ]/.test(name.charAt(length));
  while (length > 0 && !names.every(whole)) length -= 1;
  return first.slice(0, length);
}
