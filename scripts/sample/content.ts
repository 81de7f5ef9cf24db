import { Random } from '../../test/fixtures/build/random';

/** Everything on the guest's disk is cut into blocks of this many bytes, the file system's own. */
export const BLOCK = 4096;

/**
 * A file whose bytes follow from a seed, so that the repository keeps the recipe and not the file.
 * `pages` is a database: its pages exist in versions, the others never change.
 */
export type ContentSpec =
  | { readonly kind: 'program' | 'kernel' | 'photo' | 'archive'; readonly seed: number; readonly size: number }
  | { readonly kind: 'prose'; readonly seed: number; readonly size: number }
  | { readonly kind: 'syslog' | 'access'; readonly seed: number; readonly size: number; readonly from: number }
  | { readonly kind: 'pages'; readonly seed: number; readonly size: number; readonly magic: string };

const text = new TextEncoder();

const WORDS = (
  'agate basalt chert dolomite esker flint gneiss halite ilmenite jasper kyanite limestone marble nephrite obsidian ' +
  'pumice quartz rhyolite slate talc umber verdite wulfenite xenolith yttria zircon the a of and with for each when ' +
  'that which file table page index option value default server client request answer cache socket thread worker ' +
  'module package library version system service user group path name size block disk layer snapshot image store ' +
  'returns reads writes opens closes keeps drops waits starts stops lists shows takes gives needs allows limits'
).split(' ');

const PATHS = [
  '/', '/stones', '/stones/agate', '/stones/flint', '/stones/jasper', '/stones/obsidian', '/basket', '/about',
  '/media/agate-01.jpg', '/media/flint-04.jpg', '/style.css', '/app.js', '/search?q=blue', '/feed.xml',
];

const MESSAGES = [
  'hearthd[812]: worker 3 answered 1000 requests, restarting it',
  'burrowd[790]: checkpoint complete: wrote 212 pages, 0 added, 1 recycled',
  'burrowd[790]: vacuum of table "orders" finished in 4.1 s',
  'systemd[1]: Starting larder-refresh.service - Refresh package lists...',
  'systemd[1]: Finished larder-refresh.service - Refresh package lists.',
  'sshd[2204]: Accepted publickey for ada from 10.0.3.9 port 51622 ssh2',
  'kernel: EXT4-fs (vda1): discard of 412 blocks done',
  'CRON[3181]: (root) CMD (test -x /usr/sbin/logturn && /usr/sbin/logturn --quiet)',
  'pebble[901]: order placed, mail queued',
  'chronyd[655]: Selected source 10.0.0.1 (gw.pebble.example)',
];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number): string => String(n).padStart(2, '0');

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function syslogLine(random: Random, date: Date): string {
  const day = String(date.getUTCDate()).padStart(2);
  return `${MONTHS[date.getUTCMonth()]} ${day} ${clock(date)} web01 ${random.pick(MESSAGES)}\n`;
}

function accessLine(random: Random, date: Date): string {
  const host = `10.${random.below(4)}.${random.below(250)}.${1 + random.below(250)}`;
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const status = random.below(20) === 0 ? 404 : 200;
  return (
    `${host} - - [${day}:${clock(date)} +0000] "GET ${random.pick(PATHS)} HTTP/1.1" ${status} ` +
    `${200 + random.below(40_000)} "-" "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"\n`
  );
}

function* proseLines(random: Random): Generator<string> {
  for (let section = 1; ; section++) {
    yield `${section}. ${random.pick(WORDS).toUpperCase()} ${random.pick(WORDS).toUpperCase()}\n\n`;
    for (let lines = 6 + random.below(30); lines > 0; lines--) {
      yield `    ${Array.from({ length: 9 + random.below(5) }, () => random.pick(WORDS)).join(' ')}\n`;
    }
    yield '\n';
  }
}

/** The longest pause between two lines is in seconds. */
const LOGS = {
  syslog: { line: syslogLine, pause: 950 },
  access: { line: accessLine, pause: 410 },
} as const;

/** Lines without end, from a moment (seconds since the epoch) on. */
function* logLines(random: Random, kind: keyof typeof LOGS, from: number): Generator<string> {
  const { line, pause } = LOGS[kind];
  for (let seconds = from; ; seconds += random.below(pause)) {
    yield line(random, new Date(seconds * 1000));
  }
}

type TextSpec = Extract<ContentSpec, { kind: 'prose' | 'syslog' | 'access' }>;

const texts = new Map<string, Uint8Array>();

/** The longest text asked for so far of one seed: shorter ones are its beginning, as a growing log has it. */
function textOf(spec: TextSpec): Uint8Array {
  const key = `${spec.kind} ${spec.seed}`;
  const known = texts.get(key);
  if (known && known.length >= spec.size) {
    return known;
  }
  const random = new Random(spec.seed);
  const lines = spec.kind === 'prose' ? proseLines(random) : logLines(random, spec.kind, spec.from);
  const parts: string[] = [];
  let length = 0;
  for (const line of lines) {
    parts.push(line);
    length += line.length;
    if (length >= spec.size) {
      break;
    }
  }
  const bytes = text.encode(parts.join(''));
  texts.set(key, bytes);
  return bytes;
}

function pageOf(spec: ContentSpec & { kind: 'pages' }, index: number, version: number): Uint8Array {
  const out = new Uint8Array(BLOCK);
  const random = new Random(spec.seed ^ (index * 64 + version));
  const view = new DataView(out.buffer);
  out.set(text.encode(spec.magic));
  view.setUint32(8, index, true);
  view.setUint32(12, version, true);
  let at = 32;
  for (let row = random.below(4); row >= 0; row--) {
    const stone = WORDS[random.below(26)] ?? '';
    const price = random.below(9000) / 100;
    const record = text.encode(`${index * 8 + row}|${stone}|${price}|${random.below(40)}|v${version}\0`);
    out.set(record, at);
    at += record.length;
  }
  view.setUint32(BLOCK - 4, random.next(), true);
  return out;
}

const ELF = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0, 1, 0, 0, 0);
const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 72, 0, 72, 0, 0);
const GZIP = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3);

/** What makes the first block of a file recognisable. */
function stamp(kind: ContentSpec['kind'], block: Uint8Array): void {
  if (kind === 'program') {
    block.set(ELF);
  } else if (kind === 'photo') {
    block.set(JPEG);
  } else if (kind === 'archive') {
    block.set(GZIP);
  } else if (kind === 'kernel') {
    block.set([0x4d, 0x5a]);
    block.set([0x55, 0xaa], 0x1fe);
    block.set(text.encode('HdrS'), 0x202);
  }
}

/** Block number `index` of a file, zeros behind its end. */
export function blockOf(spec: ContentSpec, index: number, version = 0): Uint8Array {
  const end = Math.min(BLOCK, spec.size - index * BLOCK);
  if (spec.kind === 'pages') {
    return pageOf(spec, index, version);
  }
  const out = new Uint8Array(BLOCK);
  if (spec.kind === 'prose' || spec.kind === 'syslog' || spec.kind === 'access') {
    out.set(textOf(spec).subarray(index * BLOCK, index * BLOCK + end));
    return out;
  }
  const block = new Random((Math.imul(spec.seed, 1 << 16) + index) >>> 0).bytes(BLOCK);
  if (index === 0) {
    stamp(spec.kind, block);
  }
  return end < BLOCK ? block.fill(0, end) : block;
}

/** The whole file. */
export function fileBytes(spec: ContentSpec): Uint8Array {
  const blocks = Math.ceil(spec.size / BLOCK);
  const out = new Uint8Array(blocks * BLOCK);
  for (let i = 0; i < blocks; i++) {
    out.set(blockOf(spec, i), i * BLOCK);
  }
  return out.subarray(0, spec.size);
}

/** The spec cut back to end with a whole line. */
export function wholeLines<T extends TextSpec>(spec: T): T {
  const end = textOf(spec).lastIndexOf(10, spec.size - 1);
  return { ...spec, size: end + 1 };
}
