import assert from 'node:assert/strict';
import { deviceText, openPlace, qemuLocksOn } from '../../../src/node/procLocks';

/** As Linux 6.1 prints them, of a VM with its disk open, one that reads, and what has nothing to do with QEMU. */
const LOCKS = `1: OFDLCK ADVISORY  READ -1 fe:00:2146548 100 100
2: OFDLCK ADVISORY  READ -1 fe:00:2146577 203 203
3: OFDLCK ADVISORY  READ -1 fe:00:2146577 201 201
4: OFDLCK ADVISORY  READ -1 fe:00:2146577 103 103
5: OFDLCK ADVISORY  READ -1 fe:00:2146577 100 101
6: FLOCK  ADVISORY  WRITE 812 fe:00:77 0 EOF
7: POSIX  ADVISORY  WRITE 913 fe:00:78 0 EOF
8: POSIX  ADVISORY  READ 913 fe:00:79 128 128
9: OFDLCK ADVISORY  READ -1 103:05:80 201 201
10: LEASE  ACTIVE    READ 1 fe:00:81 0 EOF
11: -> OFDLCK ADVISORY  WRITE -1 fe:00:82 101 101
`;

const on = (device: string, inode: string): string => {
  const { read, written } = qemuLocksOn(LOCKS, [{ device, inode }]);
  return written ? 'written' : read ? 'read' : 'free';
};

describe('locks in /proc/locks', () => {
  it('of a QEMU that writes: the bytes of the permissions to write and to resize', () => {
    assert.equal(on('fe:00', '2146577'), 'written');
  });

  it('of a QEMU that reads: a permission to read, or one that it does not share', () => {
    assert.equal(on('fe:00', '2146548'), 'read');
    assert.equal(on('103:05', '80'), 'read');
  });

  it('without end cover all of QEMU’s bytes', () => {
    assert.equal(on('fe:00', '78'), 'written');
  });

  it('of other kinds, on other bytes or only waited for are not QEMU’s', () => {
    for (const inode of ['77', '79', '81', '82']) assert.equal(on('fe:00', inode), 'free', inode);
  });

  it('are of one file: its device and its inode, the whole of both', () => {
    assert.equal(on('fe:00', '146577'), 'free');
    assert.equal(on('fe:00', '21465771'), 'free');
    assert.equal(on('103:05', '2146577'), 'free');
  });

  it('on a device that is in none of them are found by the inode alone', () => {
    assert.equal(on('00:2a', '2146577'), 'written');
    assert.equal(on('00:2a', '1'), 'free');
  });

  it('are found by any of the names that the file may have', () => {
    const places = [
      { device: '00:2a', inode: '5' },
      { device: 'fe:00', inode: '2146577' },
    ];
    assert.equal(qemuLocksOn(LOCKS, places).written, true);
    // The inode of the one name on the device of the other is another file.
    assert.equal(qemuLocksOn(LOCKS, [{ device: '00:2a', inode: '2146577' }, places[1]!]).written, true);
    assert.equal(
      qemuLocksOn(LOCKS, [
        { device: '00:2a', inode: '2146577' },
        { device: 'fe:00', inode: '5' },
      ]).written,
      false,
    );
  });

  it('of an empty list, or of one that makes no sense, are none', () => {
    for (const text of ['', '\n', 'nonsense', '1: OFDLCK ADVISORY  READ -1 fe:00:5 x y\n']) {
      assert.deepEqual(qemuLocksOn(text, [{ device: 'fe:00', inode: '5' }]), { read: false, written: false });
    }
  });
});

describe('a device number', () => {
  // makedev(major, minor) of glibc, worked out by hand: minor & 0xff | major << 8 | (minor & ~0xff) << 12 | …
  it('is printed in hexadecimal, two digits at least', () => {
    assert.equal(deviceText(0xfe00n), 'fe:00');
    assert.equal(deviceText(0x0801n), '08:01');
    assert.equal(deviceText(42n), '00:2a');
  });

  it('has up to twelve bits of major number there, and a minor number in two parts', () => {
    assert.equal(deviceText(0x10305n), '103:05');
    assert.equal(deviceText(0x0010_0000n + 0x08_00n + 0x23n), '08:123');
  });
});

describe('how locks name an open file', () => {
  const MOUNTS = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/root rw
128 27 0:44 / /srv rw,relatime shared:7 - btrfs /dev/sdb rw
`;

  it('the device is that of its mount, the inode what the kernel says', () => {
    const fdinfo = 'pos:\t0\nflags:\t0100000\nmnt_id:\t128\nino:\t257\n';
    assert.deepEqual(openPlace(fdinfo, MOUNTS, '999'), { device: '00:2c', inode: '257' });
  });

  it('of a kernel that does not say, the inode that stat tells', () => {
    assert.deepEqual(openPlace('pos:\t0\nmnt_id:\t27\n', MOUNTS, '999'), { device: 'fe:00', inode: '999' });
  });

  it('is not known where its mount is not listed', () => {
    assert.equal(openPlace('pos:\t0\nmnt_id:\t2\n', MOUNTS, '1'), undefined);
    assert.equal(openPlace('', MOUNTS, '1'), undefined);
  });
});
