// The guest's life: what was done to its file system between one snapshot and the next.
import * as texts from './texts.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const GROUP = 8192;
const utc = (text) => Date.parse(`${text}Z`) / 1000;

/** Blocks of the root file system: the factory's 95 MiB, and 895 MiB once the disk had grown. */
export const FACTORY_BLOCKS = (95 * MIB) / 4096;
export const GROWN_BLOCKS = (895 * MIB) / 4096;

/** A block of the grown root that looks picked at random and is always the same for `n`. */
const somewhere = (n) => (Math.imul(n + 1, 0x9e3779b1) >>> 0) % (GROWN_BLOCKS - GROUP);
const someplaces = (from, count, length) =>
  Array.from({ length: count }, (_, i) => [somewhere(from + i), length]).sort((a, b) => a[0] - b[0]);

const SYSLOG_PLACES = someplaces(100, 12, 48);
const ACCESS_PLACES = someplaces(200, 14, 80);
const ZERO_FILL = [[98_500, 6100], [116_300, 11_800], [131_000, 4200], [139_700, 13_400], [206_000, 8800]];

const syslog = (size) => ({ kind: 'syslog', seed: 900, size, from: utc('2025-03-02T16:30:00') });
const access = (seed, from, size) => ({ kind: 'access', seed, size, from: utc(from) });

const LIBRARIES = [
  ['libc.so.6', 1500], ['libm.so.6', 320], ['libcrypto.so.3', 600], ['libssl.so.3', 280], ['libz.so.1', 90],
  ['libzstd.so.1', 240], ['libext2fs.so.2', 210], ['libpam.so.0', 60], ['libselinux.so.1', 130],
];
const PROGRAMS = [
  ['sh', 120], ['ls', 140], ['cp', 150], ['cat', 40], ['grep', 190], ['sed', 110], ['awk', 420], ['tar', 430],
  ['ssh', 440], ['sshd', 520], ['mount', 60], ['ps', 130], ['top', 120], ['vi', 410], ['larder', 360],
];

const number = (n) => String(n).padStart(2, '0');

function makeTree(fs) {
  const places = {
    '/boot': 0, '/boot/grub': 0, '/etc': 0, '/etc/ssh': 0, '/usr': 0, '/usr/lib': 0, '/usr/bin': 1, '/usr/share': 2,
    '/usr/share/doc': 2, '/var': 2, '/var/log': 2, '/var/lib': 2, '/var/lib/larder': 2, '/var/cache': 2, '/home': 2,
    '/root': 1, '/dev': 0, '/proc': 0, '/run': 0, '/sys': 0, '/tmp': 2, '/srv': 2,
  };
  for (const [path, group] of Object.entries(places)) {
    fs.mkdir(path, { group, mode: path === '/tmp' ? 0o1777 : path === '/root' ? 0o700 : 0o755 });
  }
  fs.symlink('/bin', 'usr/bin');
  fs.symlink('/lib', 'usr/lib');
}

function writeTexts(fs, files, options = {}) {
  for (const [path, text] of Object.entries(files)) {
    const mine = path.startsWith('/home/ada') ? { uid: 1000 } : {};
    fs.file(path, Buffer.from(text), { ...mine, ...options });
  }
}

function factory(fs, make) {
  const built = utc('2025-02-11T09:00:00');
  fs.at(built);
  fs.format({
    blocks: FACTORY_BLOCKS, uuid: texts.ROOT_UUID, label: 'root', hashSeed: '5b6d0f8e-91c4-4a57-b1f3-0c2e7a9d4416',
  });
  makeTree(fs);
  const built2024 = { mode: 0o755, time: utc('2024-12-19T16:20:00') };
  LIBRARIES.forEach(([name, size], i) => {
    fs.file(`/usr/lib/${name}`, make({ kind: 'program', seed: 100 + i, size: size * KIB + 137 * i }), built2024);
  });
  PROGRAMS.forEach(([name, size], i) => {
    fs.file(`/usr/bin/${name}`, make({ kind: 'program', seed: 130 + i, size: size * KIB + 211 * i }), built2024);
  });
  fs.file('/boot/vmlinuz-6.6.8-larch', make({ kind: 'kernel', seed: 160, size: 1700 * KIB }), { mode: 0o600 });
  fs.file('/boot/initrd-6.6.8-larch.img', make({ kind: 'archive', seed: 161, size: 1300 * KIB + 77 }), { mode: 0o600 });
  ['base-files', 'coreutils', 'e2fsprogs', 'libc', 'linux-image', 'openssh-server'].forEach((name, i) => {
    fs.mkdir(`/usr/share/doc/${name}`);
    const size = (60 + 50 * i) * KIB;
    fs.file(`/usr/share/doc/${name}/manual.txt`, make({ kind: 'prose', seed: 170 + i, size }), { time: built });
  });
  writeTexts(fs, texts.factory);
  fs.file('/var/lib/larder/status', Buffer.from(texts.larderStatus(texts.factoryPackages)));
  fs.file('/etc/shadow', Buffer.from('root:*:20130:0:99999:7:::\ndaemon:*:20130:0:99999:7:::\n'), { mode: 0o640 });
}

function photos(fs, make, month, group, count, seed) {
  const folder = `/srv/pebble/media/${month}`;
  fs.mkdir(folder, { group, uid: 1000 });
  for (let i = 0; i < count; i++) {
    const size = (20 + ((seed * 31 + i * 17) % 50)) * KIB + i * 13;
    const time = utc(`${month}-${number(2 + (i % 26))}T10:${number(i % 60)}:00`);
    fs.file(`${folder}/stone-${number(i)}.jpg`, make({ kind: 'photo', seed: seed + i, size }), { uid: 1000, time });
  }
}

const hexOf = (n) => (n >>> 0).toString(16).padStart(8, '0');
const cachePath = (n) => `/var/cache/hearth/${n % 8}/${hexOf(Math.imul(n + 7, 0x85ebca6b))}`;

/** What the web server keeps of its answers: many files, anywhere on the disk. */
function fillCache(fs, make, from, count) {
  for (let n = from; n < from + count; n++) {
    const size = (32 + ((n * 53) % 97) * 5) * KIB;
    const windows = [[somewhere(1000 + n), Infinity]];
    fs.file(cachePath(n), make({ kind: 'pages', seed: 2000 + n, size, magic: 'HCACHE' }), { uid: 101, windows });
  }
}

function emptyCache(fs, numbers) {
  fs.remove(...numbers.map(cachePath));
}

const every = (step, from, to) => Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

function afterInstall(fs, make) {
  fs.at(utc('2025-03-03T13:55:00'));
  fs.grow(GROWN_BLOCKS);
  fs.remove(...['hostname', 'hosts', 'fstab', 'passwd', 'group'].map((name) => `/etc/${name}`));
  fs.remove('/var/log/larder.log', '/var/lib/larder/status');
  for (const [path, group, uid = 0] of [
    ['/etc/hearth', 0], ['/etc/burrow', 0], ['/home/ada', 5, 1000], ['/usr/share/locale', 5], ['/srv/pebble', 6, 1000],
    ['/srv/pebble/public', 6, 1000], ['/srv/pebble/media', 6, 1000], ['/usr/lib/python3', 4], ['/var/log/hearth', 11],
    ['/var/cache/larder', 9], ['/var/cache/hearth', 9, 101], ['/var/lib/burrow', 20, 102], ['/var/backups', 25],
    ...every(1, 0, 8).map((n) => [`/var/cache/hearth/${n}`, 3 * n + 2, 101]),
  ]) {
    fs.mkdir(path, { group, uid });
  }
  writeTexts(fs, texts.installed);
  fs.file('/var/lib/larder/status', Buffer.from(texts.larderStatus(texts.installedPackages)));
  const program = { mode: 0o755, time: utc('2025-01-28T11:00:00') };
  fs.file('/usr/bin/hearthd', make({ kind: 'program', seed: 200, size: 910 * KIB }), program);
  fs.file('/usr/bin/burrowd', make({ kind: 'program', seed: 201, size: 1200 * KIB }), program);
  fs.file('/usr/lib/libburrow.so.4', make({ kind: 'program', seed: 202, size: 260 * KIB }), program);
  for (let i = 0; i < 24; i++) {
    const size = (20 + ((i * 37) % 90)) * KIB;
    const bytes = make({ kind: 'prose', seed: 210 + i, size });
    fs.file(`/usr/lib/python3/module${number(i)}.py`, bytes, { time: program.time });
  }
  ['de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'sv'].forEach((language, i) => {
    const bytes = make({ kind: 'prose', seed: 240 + i, size: (300 + 40 * i) * KIB });
    fs.file(`/usr/share/locale/${language}.po`, bytes, { time: program.time });
  });
  ['python', 'burrow', 'hearth', 'libburrow4'].forEach((name, i) => {
    const bytes = make({ kind: 'archive', seed: 250 + i, size: (260 + 90 * i) * KIB });
    fs.file(`/var/cache/larder/${name}.lar`, bytes);
  });
  photos(fs, make, '2025-02', 8, 16, 300);
  const burrow = { mode: 0o600, uid: 102 };
  fs.file('/var/lib/burrow/shop.db', make({ kind: 'pages', seed: 260, size: 84 * MIB, magic: 'BURROWDB' }), burrow);
  fs.preallocate('/var/lib/burrow/redo-1.log', 6 * MIB, burrow);
  fs.preallocate('/var/lib/burrow/redo-2.log', 6 * MIB, burrow);
  fs.file('/var/log/syslog', make(syslog(12 * KIB)), { windows: SYSLOG_PLACES, mode: 0o640 });
  // Filling the free space with zeros before a disk is compacted is an old habit; the file is gone right after.
  fs.preallocate('/var/tmp-zeros', 148 * MIB, { windows: ZERO_FILL });
  const zeroFill = fs.blocksOf('/var/tmp-zeros');
  fs.remove('/var/tmp-zeros');
  const redo = ['/var/lib/burrow/redo-1.log', '/var/lib/burrow/redo-2.log'].flatMap((path) => fs.blocksOf(path));
  return { zeroed: redo, discarded: zeroFill };
}

function ready(fs, make) {
  fs.at(utc('2025-05-09T22:15:00'));
  fs.remove('/var/log/syslog');
  fs.file('/var/log/syslog', make(syslog(940 * KIB)), { windows: SYSLOG_PLACES, mode: 0o640 });
  const log = make(access(910, '2025-03-03T14:05:00', 4200 * KIB));
  fs.file('/var/log/hearth/access.log', log, { uid: 101 });
  photos(fs, make, '2025-03', 11, 18, 340);
  fs.remove('/var/cache/larder/python.lar', '/var/cache/larder/burrow.lar');
  fillCache(fs, make, 0, 120);
}

function beforeUpgrade(fs, make) {
  fs.at(utc('2025-06-17T20:40:00'));
  fs.remove('/var/log/syslog', '/home/ada/notes.txt');
  fs.file('/var/log/syslog', make(syslog(1480 * KIB)), { windows: SYSLOG_PLACES, mode: 0o640 });
  fs.rename('/var/log/hearth/access.log', '/var/log/hearth/access.log.1');
  const log = make(access(911, '2025-05-09T22:20:00', 2600 * KIB));
  fs.file('/var/log/hearth/access.log', log, { uid: 101, windows: ACCESS_PLACES });
  photos(fs, make, '2025-04', 14, 15, 380);
  photos(fs, make, '2025-05', 17, 15, 420);
  fs.remove('/var/cache/larder/hearth.lar', '/var/cache/larder/libburrow4.lar', '/usr/share/locale/pl.po');
  fs.remove(...[3, 7, 8, 9, 12].map((i) => `/srv/pebble/media/2025-02/stone-${number(i)}.jpg`));
  emptyCache(fs, every(3, 0, 120));
  fillCache(fs, make, 120, 110);
  writeTexts(fs, { '/home/ada/notes.txt': texts.beforeUpgradeNotes });
  fs.file('/home/ada/.bash_history', Buffer.from('df -h\nlogturn /var/log/hearth\nsudo larder refresh\nexit\n'), {
    uid: 1000, mode: 0o600,
  });
}

function upgraded(fs, make) {
  fs.at(utc('2025-06-20T06:10:00'));
  const program = { mode: 0o755, time: utc('2025-06-02T08:00:00') };
  // The new files are written beside the old ones before those go, as package managers do.
  fs.file('/boot/vmlinuz-6.8.2-larch', make({ kind: 'kernel', seed: 500, size: 1750 * KIB }), { mode: 0o600 });
  fs.file('/boot/initrd-6.8.2-larch.img', make({ kind: 'archive', seed: 501, size: 1350 * KIB + 5 }), { mode: 0o600 });
  fs.file('/usr/lib/libc-new', make({ kind: 'program', seed: 502, size: 1520 * KIB }), program);
  fs.file('/usr/lib/libburrow-new', make({ kind: 'program', seed: 503, size: 280 * KIB }), program);
  fs.file('/usr/bin/hearthd-new', make({ kind: 'program', seed: 504, size: 930 * KIB }), program);
  fs.file('/usr/bin/burrowd-new', make({ kind: 'program', seed: 505, size: 1240 * KIB }), program);
  for (const [path, next] of [
    ['/usr/lib/libc.so.6', '/usr/lib/libc-new'], ['/usr/lib/libburrow.so.4', '/usr/lib/libburrow-new'],
    ['/usr/bin/hearthd', '/usr/bin/hearthd-new'], ['/usr/bin/burrowd', '/usr/bin/burrowd-new'],
  ]) {
    fs.remove(path);
    fs.rename(next, path);
  }
  fs.remove('/boot/vmlinuz-6.6.8-larch', '/boot/initrd-6.6.8-larch.img', '/boot/config-6.6.8-larch');
  fs.remove('/boot/grub/grub.cfg', '/etc/os-release', '/etc/larch-release', '/var/lib/larder/status');
  fs.remove('/var/log/larder.log', '/var/log/hearth/access.log.1', '/home/ada/notes.txt');
  for (const language of ['es', 'it', 'nl', 'pt', 'sv']) {
    fs.remove(`/usr/share/locale/${language}.po`);
  }
  fs.remove('/var/lib/burrow/redo-2.log');
  writeTexts(fs, {
    '/boot/grub/grub.cfg': texts.upgradedGrub, '/boot/config-6.8.2-larch': texts.upgradedConfig,
    '/etc/os-release': texts.upgradedRelease, '/etc/larch-release': '12.4\n',
    '/var/log/larder.log': texts.upgradedLarderLog, '/home/ada/notes.txt': texts.upgradedNotes,
    '/var/lib/larder/status': texts.larderStatus(texts.upgradedPackages),
  });
  fs.at(utc('2025-06-22T03:30:00'));
  fs.remove('/var/log/syslog');
  fs.file('/var/log/syslog', make(syslog(1550 * KIB)), { windows: SYSLOG_PLACES, mode: 0o640 });
  emptyCache(fs, [...every(3, 1, 120), ...every(4, 120, 230)]);
  fillCache(fs, make, 230, 70);
  const dump = make({ kind: 'pages', seed: 510, size: 28 * MIB, magic: 'BURROWDM' });
  fs.file('/var/backups/shop-2025-06-22.dump', dump, { mode: 0o600 });
  photos(fs, make, '2025-06', 22, 14, 460);
}

function experiment(fs, make) {
  fs.at(utc('2025-06-18T15:05:00'));
  fs.mkdir('/srv/pebble/tiles', { group: 13, uid: 1000 });
  for (let i = 0; i < 6; i++) {
    const tiles = make({ kind: 'pages', seed: 600 + i, size: 4 * MIB, magic: 'TILESET' });
    fs.file(`/srv/pebble/tiles/level-${i}.tiles`, tiles, { uid: 1000 });
  }
  fs.remove('/home/ada/notes.txt', ...['de', 'es', 'fr'].map((language) => `/usr/share/locale/${language}.po`));
  writeTexts(fs, { '/home/ada/notes.txt': texts.experimentNotes });
  emptyCache(fs, every(5, 121, 230));
  fillCache(fs, make, 400, 30);
  const map = '"""Where the stones come from, on a map."""\nfrom app import db, page, route\n';
  fs.file('/srv/pebble/map.py', Buffer.from(map), { uid: 1000 });
}

/** Oldest first; each follows on `parent`. What a step frees, the guest discards (its root is mounted so). */
export const STATES = [
  { name: 'factory', parent: null, run: factory },
  { name: 'after-install', parent: 'factory', run: afterInstall },
  { name: 'ready', parent: 'after-install', run: ready },
  { name: 'before-upgrade', parent: 'ready', run: beforeUpgrade },
  { name: 'upgraded', parent: 'before-upgrade', run: upgraded },
  { name: 'experiment', parent: 'before-upgrade', run: experiment },
];
