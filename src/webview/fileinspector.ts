import { formatBytes, formatCount, formatOffset, unitName } from '../core/units';
import { breakable, h } from './dom';
import { problemList, problemsInFile } from './problems';
import type { Actions, State } from './state';
import { fileLayer } from './summary';
import { useDetail, useName } from './uses';

/** What lies at the selected place of a file. @param row adds a line that can be copied to a list of values */
export function fileValues(
  state: State, actions: Actions, row: (list: HTMLElement, label: string, text: string, value?: Node) => void,
): HTMLElement[] {
  const { summary, file } = state;
  const layer = summary && fileLayer(state);
  if (!summary || !layer?.check || file.selected === null) return [];
  const { grain } = layer;
  const unit = unitName(layer.format);
  const cluster = Math.floor(file.selected / grain);
  const list = h('dl', 'values');
  row(list, 'File offset', formatOffset(file.selected));
  row(list, `${unit.charAt(0).toUpperCase()}${unit.slice(1)}`, formatCount(cluster));
  row(list, 'Size', `${formatBytes(grain)} ${unit}`);
  const use = file.use === undefined ? 'unknown' : useName(file.use);
  row(list, 'Use', use);
  row(list, 'File', layer.path, h('span', { title: layer.path }, breakable(layer.fileName)));
  const detail = file.use === undefined ? undefined : useDetail(file.use);
  const found = problemsInFile(summary, layer.depth, cluster * grain, (cluster + 1) * grain);
  return [
    list,
    ...(detail === undefined ? [] : [h('p', 'write', detail)]),
    ...problemList(found, summary, actions),
  ];
}
