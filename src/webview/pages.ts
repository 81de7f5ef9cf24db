import type { WireError } from '../core/errors';
import { formatBytes, formatOffset } from '../core/units';
import type { NotAnImage } from '../protocol/image';
import { breakable, h } from './dom';
import { fileName } from './format';
import { dumpLines } from './hexdump';
import { asSentence } from './sentences';
import type { Actions } from './state';

const HEAD_BYTES = 128;
const HEAD_WIDTH = 16;


/** For a file that is no disk image: what it is instead, and what can be done with it. */
export function notAnImagePage(what: NotAnImage, actions: Actions): HTMLElement {
  return page(
    what.foreign ? 'This disk image’s format is not read yet' : 'This is not a disk image',
    h('p', 'lead', h('strong', {}, breakable(fileName(what.path))), ` is ${what.found}`,
      what.size > 0 && `, ${formatBytes(what.size)}`, '.'),
    h('p', {}, asSentence(what.advice)),
    ...head(what.head),
    h('div', 'buttons',
      what.offerRaw && button('Open as raw disk anyway', 'primary', () => actions.openAsRaw()),
      button('Open as text', what.offerRaw ? 'secondary' : 'primary', () => actions.openAsText())),
  );
}

/** For an image that could not be opened: what, where, and what to do. */
export function failedPage(
  error: WireError, size: number | undefined, bytes: Uint8Array | undefined, actions: Actions,
): HTMLElement {
  const where = [
    ...(error.file === undefined ? [] : [error.file]),
    ...(error.offset === undefined ? [] : [`at byte ${formatOffset(error.offset)} of the file`]),
    ...(size === undefined ? [] : [`the file has ${formatBytes(size)}`]),
  ];
  return page(
    'This image can’t be shown',
    h('p', 'lead', asSentence(error.message)),
    where.length > 0 && h('p', 'where', breakable(where.join(' · '))),
    error.advice !== undefined && h('p', {}, asSentence(error.advice)),
    ...head(bytes),
    h('div', 'buttons',
      button('Try again', 'primary', () => actions.refresh()),
      button('Open as text', 'secondary', () => actions.openAsText())),
  );
}

function page(title: string, ...content: (Node | false)[]): HTMLElement {
  return h('main', 'page', h('div', 'page-body', h('h1', {}, title), ...content));
}

function button(text: string, look: 'primary' | 'secondary', onClick: () => void): HTMLElement {
  return h('button', { class: look, onClick }, text);
}

function head(bytes: Uint8Array | undefined): HTMLElement[] {
  if (!bytes || bytes.length === 0) return [];
  const lines = dumpLines(bytes.subarray(0, HEAD_BYTES), HEAD_WIDTH).map(({ offset, hex, ascii }) => h(
    'div', 'dump-line',
    h('span', 'dump-offset', offset.toString(16).padStart(4, '0')),
    h('span', 'dump-hex', ...hex.map((byte) => h('span', { class: byte === '00' ? 'zero' : '' }, byte))),
    h('span', 'dump-ascii', ascii),
  ));
  return [h('h2', {}, 'First bytes'), h('div', 'dump wide', ...lines)];
}
