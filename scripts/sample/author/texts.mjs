// The small files of the guest, as someone would find them there.

export const ROOT_UUID = '7c1f6a52-3d1e-4a0b-9c53-0d2b7e61a411';
export const SWAP_UUID = 'e0b9c1d7-52a8-4f0e-8f6c-1a7f3b2d9c64';

export const factory = {
  '/etc/hostname': 'larch\n',
  '/etc/hosts': '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost\n',
  '/etc/os-release': [
    'NAME="Larch Linux"', 'VERSION="12 (heartwood)"', 'ID=larch', 'VERSION_ID="12"', 'VERSION_CODENAME=heartwood',
    'PRETTY_NAME="Larch Linux 12 (heartwood)"', 'HOME_URL="https://larch.example/"',
    'BUG_REPORT_URL="https://larch.example/bugs"', '',
  ].join('\n'),
  '/etc/larch-release': '12.1\n',
  '/etc/issue': 'Larch Linux 12 \\n \\l\n\n',
  '/etc/fstab': [
    '# <device> <mount point> <type> <options> <dump> <pass>', `UUID=${ROOT_UUID} / ext4 defaults,discard 0 1`, '',
  ].join('\n'),
  '/etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh', 'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin', '',
  ].join('\n'),
  '/etc/group': 'root:x:0:\ndaemon:x:1:\nadm:x:4:\nnogroup:x:65534:\n',
  '/etc/shells': '/bin/sh\n',
  '/etc/resolv.conf': 'nameserver 10.0.0.1\nsearch pebble.example\n',
  '/etc/profile': 'export PATH=/usr/local/bin:/usr/bin:/usr/sbin\numask 022\n',
  '/etc/ssh/sshd_config': 'Port 22\nPermitRootLogin no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n',
  '/boot/grub/grub.cfg': [
    'set timeout=3', 'set default=0', "menuentry 'Larch Linux 12' {",
    `  linux /boot/vmlinuz-6.6.8-larch root=UUID=${ROOT_UUID} ro console=ttyS0`,
    '  initrd /boot/initrd-6.6.8-larch.img', '}', '',
  ].join('\n'),
  '/boot/config-6.6.8-larch': [
    'CONFIG_64BIT=y', 'CONFIG_EXT4_FS=y', 'CONFIG_VIRTIO_BLK=y', 'CONFIG_VIRTIO_NET=y', 'CONFIG_HZ=250', '',
  ].join('\n'),
  '/var/log/larder.log': '2025-02-11 09:00:00 image larch-12.1-cloud-amd64 built\n',
  '/root/.profile': '. /etc/profile\n',
};

export const larderStatus = (packages) =>
  packages
    .map(([name, version, summary]) =>
      [`Package: ${name}`, `Version: ${version}`, 'Status: installed', `Summary: ${summary}`, ''].join('\n'),
    )
    .join('\n');

export const factoryPackages = [
  ['base-files', '12.1', 'the folders that every system has'],
  ['coreutils', '9.4-2', 'ls, cp and their relatives'],
  ['e2fsprogs', '1.47.0-2', 'makes and checks ext4'],
  ['libc', '2.38-4', 'the C library'],
  ['linux-image', '6.6.8-1', 'the kernel'],
  ['openssh-server', '9.6-1', 'remote logins'],
];

export const installedPackages = [
  ...factoryPackages,
  ['burrow', '4.2.0-1', 'a small relational database'],
  ['hearth', '2.8.1-3', 'a web server'],
  ['libburrow4', '4.2.0-1', 'client library of burrow'],
  ['locales', '2.38-4', 'the words of other languages'],
  ['python', '3.12.2-1', 'runs the shop'],
];

export const upgradedPackages = installedPackages.map(([name, version, summary]) => [
  name,
  { 'linux-image': '6.8.2-1', libc: '2.39-1', burrow: '4.3.1-1', libburrow4: '4.3.1-1', hearth: '2.9.0-1' }[name] ??
    version,
  summary,
]);

export const installed = {
  '/etc/hostname': 'web01\n',
  '/etc/hosts': '127.0.0.1\tlocalhost\n10.0.3.21\tweb01.pebble.example web01\n::1\t\tlocalhost ip6-localhost\n',
  '/etc/fstab': [
    '# <device> <mount point> <type> <options> <dump> <pass>', `UUID=${ROOT_UUID} / ext4 defaults,discard 0 1`,
    `UUID=${SWAP_UUID} none swap sw 0 0`, '',
  ].join('\n'),
  '/etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh', 'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'hearth:x:101:101::/var/cache/hearth:/usr/sbin/nologin', 'burrow:x:102:102::/var/lib/burrow:/usr/sbin/nologin',
    'ada:x:1000:1000:Ada:/home/ada:/bin/sh', 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin', '',
  ].join('\n'),
  '/etc/group': 'root:x:0:\ndaemon:x:1:\nadm:x:4:ada\nhearth:x:101:\nburrow:x:102:\nada:x:1000:\nnogroup:x:65534:\n',
  '/etc/hearth/hearth.conf': [
    'workers 4', 'listen 80', 'root /srv/pebble/public', 'access_log /var/log/hearth/access.log',
    'cache /var/cache/hearth 64m', 'upstream pebble unix:/run/pebble.sock', '',
  ].join('\n'),
  '/etc/burrow/burrow.conf': 'data_dir /var/lib/burrow\nredo_logs 2\nredo_size 6m\npage_size 4k\n',
  '/srv/pebble/README.md': [
    '# pebble', '', 'A shop for stones. `python app.py` serves it, burrow keeps it, hearth stands in front.', '',
    '- `app.py`       the pages', '- `schema.sql`   the tables', '- `media/`       photos, a folder a month',
    '- `public/`      what hearth serves itself', '',
  ].join('\n'),
  '/srv/pebble/app.py': [
    '"""pebble: a shop for stones."""', 'import burrow', 'from hearth import route, page', '',
    'db = burrow.connect("shop")', '', '', '@route("/")', 'def front(request):',
    '    stones = db.all("select * from stones order by added desc limit 12")',
    '    return page("front.html", stones=stones)', '', '', '@route("/stones/<name>")', 'def stone(request, name):',
    '    found = db.one("select * from stones where name = ?", name)',
    '    return page("stone.html", stone=found) if found else page("missing.html", status=404)', '',
  ].join('\n'),
  '/srv/pebble/schema.sql': [
    'create table stones (id integer primary key, name text unique, price numeric, stock integer, added date);',
    'create table orders (id integer primary key, placed timestamp, mail text, total numeric);', '',
  ].join('\n'),
  '/srv/pebble/public/style.css': 'body { font: 16px/1.5 system-ui; max-width: 60rem; margin: auto }\n',
  '/home/ada/.profile': '. /etc/profile\nalias ll="ls -l"\n',
  '/home/ada/notes.txt': [
    'web01', '=====', '3 March   installed hearth, burrow and python; pebble runs.',
    '          the factory disk was 96 MiB: grew it to 1 GiB, root to 895 MiB, the rest is swap',
    '          snapshot taken: after-install', '', 'to do', '- rotate the access log, it grows 100 KB a day',
    '- ask for a second disk for the photos', '',
  ].join('\n'),
  '/var/log/larder.log': [
    '2025-02-11 09:00:00 image larch-12.1-cloud-amd64 built', '2025-03-03 13:58:12 install python 3.12.2-1',
    '2025-03-03 13:58:40 install libburrow4 4.2.0-1', '2025-03-03 13:58:55 install burrow 4.2.0-1',
    '2025-03-03 13:59:31 install hearth 2.8.1-3', '2025-03-03 14:00:02 install locales 2.38-4', '',
  ].join('\n'),
};

export const beforeUpgradeNotes = [
  installed['/home/ada/notes.txt'].trimEnd(), '',
  '9 May     saved the machine with its memory, then turned the logs over',
  '17 June   upgrade to Larch 12.4 on Friday. snapshot first! (before-upgrade)', '',
].join('\n');

export const upgradedNotes = [
  beforeUpgradeNotes.trimEnd(), '20 June   upgraded: kernel 6.8.2, libc 2.39, burrow 4.3.1. orders work.',
  '          old kernel and libraries removed, the disk under them was discarded',
  '22 June   the nightly backup has a bitmap now',
  '',
].join('\n');

export const experimentNotes = [
  beforeUpgradeNotes.trimEnd(), '18 June   on the copy (experiment): a map of where the stones come from.',
  '          tiles are in /srv/pebble/tiles, 24 MB. keep it?', '',
].join('\n');

export const upgradedGrub = factory['/boot/grub/grub.cfg'].replaceAll('6.6.8', '6.8.2');
export const upgradedConfig = factory['/boot/config-6.6.8-larch'].replace('CONFIG_HZ=250', 'CONFIG_HZ=1000');
export const upgradedRelease = factory['/etc/os-release'].replaceAll('12 (heartwood)', '12.4 (heartwood)');
export const upgradedLarderLog = [
  installed['/var/log/larder.log'].trimEnd(), '2025-06-20 06:10:44 upgrade libc 2.38-4 -> 2.39-1',
  '2025-06-20 06:11:09 upgrade linux-image 6.6.8-1 -> 6.8.2-1', '2025-06-20 06:11:52 upgrade burrow 4.2.0-1 -> 4.3.1-1',
  '2025-06-20 06:12:20 upgrade hearth 2.8.1-3 -> 2.9.0-1', '2025-06-20 06:14:02 remove linux-image 6.6.8-1', '',
].join('\n');
