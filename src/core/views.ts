import type { ChainLayer, View } from './model';
import type { WalkFrom } from './walk';

/** The state of a layer that counts from a standpoint: the chosen one there, the current one below. */
export const viewFrom = ({ depth, view }: WalkFrom, layer: ChainLayer): View =>
  layer.depth === depth ? view : currentView(layer);

export function currentView({ layer }: ChainLayer): View {
  return layer.views[0] ?? { id: '', name: 'Current', guestSize: layer.guestSize };
}
