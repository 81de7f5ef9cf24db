import type { Draw } from '../support/random';

/** Names as an image may write them for its parent: files that are there, protocols, `json:` of every shape, rubbish. */

const KEYS = [
  'driver',
  'file',
  'filename',
  'file.filename',
  'file.driver',
  'file.file.filename',
  'backing',
  'offset',
  'size',
  'image',
  'children',
  'data-file',
  '',
  '.',
  'a.b.c',
  '__proto__',
  'constructor',
  'host',
  'server.path',
];
const WORDS = ['qcow2', 'raw', 'file', 'nbd', 'ssh', 'https', 'blkdebug', 'quorum', 'host_device', 'luks', '', 'x'];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '512',
  '1e9',
  '1e400',
  '9007199254740991',
  '9007199254740992',
  '0.5',
  '"512"',
  '"0x10"',
];
const SPECIAL = [
  'nbd:localhost:10809',
  'ssh://host/x',
  'fat:rw:/etc',
  'http://host/x',
  'file:',
  'file:///etc/passwd',
  '/etc/passwd',
  '/dev/stdin',
  '/proc/self/fd/0',
  '\\\\server\\share\\x',
  'C:\\x.qcow2',
  '..',
  '.',
  '/',
  'a\0b',
  'a\nb',
  '\u202egnp',
  'json:',
  'json:{',
  'json:[]',
  'json:null',
  'json:{"driver":null}',
  `json:${'{"file":'.repeat(90)}1${'}'.repeat(90)}`,
  `json:{"${'a.'.repeat(300)}b":1}`,
  `json:${'['.repeat(400)}`,
  'x'.repeat(1023),
  '/'.repeat(600),
  '../'.repeat(300),
];

/** @param known names of files that are there */
export function drawName(draw: Draw, known: readonly string[]): string {
  if (draw.chance(0.3)) return draw.pick(SPECIAL);
  const name = draw.pick(known);
  if (draw.chance(0.3)) return draw.pick([name, `./${name}`, `file:${name}`, `x/../${name}`, `/${name}`, `//${name}`]);
  if (draw.chance(0.4)) {
    const window = draw.chance(0.5) ? `,"offset":${draw.pick(NUMBERS)},"size":${draw.pick(NUMBERS)}` : '';
    const driver = draw.pick(WORDS);
    return `json:{"driver":"${driver}","file":{"driver":"${draw.pick(WORDS)}","filename":"${name}"}${window}}`;
  }
  return `json:${drawJson(draw, known, 5)}`.slice(0, 1023);
}

function drawJson(draw: Draw, known: readonly string[], depth: number): string {
  if (depth === 0 || draw.chance(0.2)) {
    return draw.chance(0.4) ? draw.pick(NUMBERS) : JSON.stringify(draw.pick([...WORDS, ...known]));
  }
  const members = Array.from({ length: draw.between(1, 4) }, () => {
    return `${JSON.stringify(draw.pick(KEYS))}:${drawJson(draw, known, depth - 1)}`;
  });
  return draw.chance(0.1) ? `[${drawJson(draw, known, depth - 1)}]` : `{${members.join(',')}}`;
}
