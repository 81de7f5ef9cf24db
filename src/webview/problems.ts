import type { CheckProblem, GuestRange } from '../core/model';
import { placesListed } from '../core/checkWords';
import { formatOffset } from '../core/units';
import type { ImageSummary } from '../protocol/image';
import { h } from './dom';
import { plural } from './format';
import { asSentence } from './sentences';
import type { Actions } from './state';

/** A problem of a check, and the depth of the layer whose file was checked. */
export interface LayerProblem {
  readonly depth: number;
  readonly problem: CheckProblem;
}

/** More problems of one place than this are counted only. */
const MOST = 20;

/** The problems that touch `[start, end)` of the disk that is shown, of all layers that it stands on. */
export function problemsOnDisk({ layers, standpoint }: ImageSummary, start: number, end: number): LayerProblem[] {
  return layers.slice(standpoint.depth).flatMap(({ depth, check }) => {
    const view = depth === standpoint.depth ? standpoint.view : '';
    return (check?.problems ?? [])
      .filter(({ guest }) => guest.some((range) => range.view === view && range.start < end && range.end > start))
      .map((problem) => ({ depth, problem }));
  });
}

/** The problems that are about `[start, end)` of a layer's own file. */
export function problemsInFile({ layers }: ImageSummary, depth: number, start: number, end: number): LayerProblem[] {
  return (layers[depth]?.check?.problems ?? [])
    .filter(({ host, offset }) => (host ? host.start < end && host.end > start
      : offset !== undefined && offset >= start && offset < end))
    .map((problem) => ({ depth, problem }));
}

/** What is wrong at a place, who claims it, and what of the guest's disk it touches. */
export function problemList(found: readonly LayerProblem[], summary: ImageSummary, actions: Actions): HTMLElement[] {
  if (found.length === 0) return [];
  const items = found.slice(0, MOST).map(({ depth, problem }) => item(depth, problem, summary, actions));
  const more = found.length - MOST;
  return [
    h('h2', {}, 'What is wrong here'),
    h('ul', 'problems-here', ...items),
    ...(more > 0 ? [h('p', 'hint', `and ${plural(more, 'more problem')}`)] : []),
  ];
}

function item(depth: number, problem: CheckProblem, summary: ImageSummary, actions: Actions): HTMLElement {
  const { severity, message, advice, claims, guest, host } = problem;
  const listed = placesListed(problem);
  const file = host && summary.layers[depth] && h('button', {
    class: 'link', title: 'Show this place on the map of the file',
    onClick: () => actions.showInFile(depth, host.start),
  }, `${summary.layers[depth].fileName} at ${formatOffset(host.start)}`);
  return h(
    'li', { class: 'problem-here', attributes: { 'data-severity': severity } },
    h('span', 'dot'),
    h('div', {},
      h('p', {}, asSentence(message)),
      ...claims.map((claim) => h('p', 'claim', `claimed by ${claim}`)),
      file && h('p', 'claim', file),
      ...guest.map((range) => h('p', 'claim', guestLink(depth, range, summary, actions))),
      listed !== undefined && h('p', 'claim', `${listed}; no others are marked on the map`),
      advice !== undefined && h('p', 'advice', asSentence(advice))),
  );
}

function guestLink(depth: number, range: GuestRange, { layers }: ImageSummary, actions: Actions): HTMLElement {
  const name = layers[depth]?.views.find(({ id }) => id === range.view)?.name;
  const state = range.view === '' ? '' : ` of ${name === undefined || name === '' ? range.view : name}`;
  return h('button', {
    class: 'link', title: 'Show this place on the map of the disk',
    onClick: () => actions.showGuest(depth, range),
  }, `guest ${formatOffset(range.start)} – ${formatOffset(range.end)}${state}`);
}
