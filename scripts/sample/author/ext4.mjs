// An ext4 file system in a file, changed by e2fsprogs alone: no mount, no root.
import { spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const BLOCK = 4096;
const BLOCKS_PER_GROUP = 8192;
const INODES_PER_GROUP = 256;

export class Ext4 {
  #image;
  #folder;
  #queue = [];
  #sources = 0;
  #groups;
  #time = 0;

  /**
   * `image` is the file that holds the file system, `folder` a place for what is copied into it, `groups` the block
   * groups of the folders that it has already.
   */
  constructor(image, folder, groups = new Map()) {
    this.#groups = new Map(groups);
    this.#image = image;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Folder → its block group. */
  get groups() {
    return this.#groups;
  }

  /** Every change from here on happens at this time (seconds since the epoch). */
  at(seconds) {
    this.flush();
    this.#time = seconds;
  }

  format({ blocks, uuid, hashSeed, label }) {
    writeFileSync(this.#image, '');
    truncateSync(this.#image, blocks * BLOCK);
    // Without flexible block groups each group keeps its bitmaps and inodes: metadata all over the disk.
    // Without group checksums every group has real bitmaps: e2fsprogs forgets marks in bitmaps that are only implied.
    this.#tool('mke2fs', [
      '-q', '-t', 'ext4', '-b', String(BLOCK), '-g', String(BLOCKS_PER_GROUP), '-I', '256',
      '-N', String(Math.ceil(blocks / BLOCKS_PER_GROUP) * INODES_PER_GROUP),
      '-O', '^flex_bg,^resize_inode,^metadata_csum,^uninit_bg',
      '-J', 'size=8', '-E', `hash_seed=${hashSeed},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`,
      '-U', uuid, '-L', label, '-M', '/', this.#image, String(blocks),
    ]);
  }

  grow(blocks) {
    this.flush();
    truncateSync(this.#image, blocks * BLOCK);
    this.#tool('resize2fs', ['-f', this.#image, String(blocks)]);
  }

  /** A folder, in a block group of one's choice: what it will hold goes there too, as a kernel spreads folders. */
  mkdir(path, { group = this.#groupOf(path), mode = 0o755, uid = 0, gid = uid } = {}) {
    const elsewhere = this.#free('inodes', (g) => g !== group);
    this.#queue.push(...elsewhere.map(([first, count]) => `seti <${first}> ${count}`));
    this.#queue.push(`mkdir ${path}`);
    this.#queue.push(...elsewhere.map(([first, count]) => `freei <${first}> ${count}`));
    this.#groups.set(path, group);
    this.#own(path, 0o40000 | mode, uid, gid, this.#time);
  }

  /**
   * A file with these bytes, in its folder's group or behind it; or `windows` ([block, count] of the file system) are
   * the only places it may take.
   */
  file(path, bytes, { mode = 0o644, uid = 0, gid = uid, time = this.#time, windows } = {}) {
    const source = join(this.#folder, `source-${this.#sources++}`);
    writeFileSync(source, bytes);
    this.#within(path, windows, [`write ${source} ${path}`]);
    this.#own(path, 0o100000 | mode, uid, gid, time);
    this.#queue.push(`sif ${path} size ${bytes.length}`);
  }

  /** Bytes that are allocated and read as zeros (unwritten extents). */
  preallocate(path, size, options = {}) {
    this.file(path, new Uint8Array(), options);
    this.#within(path, options.windows, [`fallocate ${path} 0 ${size / BLOCK - 1}`]);
    this.#queue.push(`sif ${path} size ${size}`);
  }

  symlink(path, target) {
    this.#queue.push(`symlink ${path} ${target}`);
    this.#own(path, 0o120777, 0, 0, this.#time);
  }

  rename(from, to) {
    this.#queue.push(`ln ${from} ${to}`, `unlink ${from}`);
  }

  remove(...paths) {
    this.#queue.push(...paths.map((path) => `rm ${path}`));
  }

  rmdir(path) {
    this.#queue.push(`rmdir ${path}`);
  }

  flush() {
    if (this.#queue.length === 0) {
      return;
    }
    const script = join(this.#folder, 'commands');
    writeFileSync(script, `${this.#queue.join('\n')}\n`);
    this.#queue = [];
    const { stderr } = this.#tool('debugfs', ['-w', '-f', script, this.#image]);
    const complaints = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('debugfs '));
    if (complaints.length > 0) {
      throw new Error(`debugfs: ${complaints.join('\n')}`);
    }
  }

  /** The blocks of a file, ascending runs of [block, count]. */
  blocksOf(path) {
    this.flush();
    const { stdout } = this.#tool('debugfs', ['-R', `blocks ${path}`, this.#image]);
    return runsOf(stdout.trim().split(/\s+/).filter(Boolean).map(Number));
  }

  /** Runs of [block, count] that nothing uses. */
  freeBlocks() {
    this.flush();
    return this.#free('blocks', () => true);
  }

  /** @throws when e2fsck finds anything */
  verify() {
    this.flush();
    this.#tool('e2fsck', ['-fn', this.#image]);
  }

  /** Runs commands while every free block is marked as used that they must not take. */
  #within(path, windows = [[this.#startOf(path), Infinity]], commands) {
    const isOutside = (block) => !windows.some(([first, count]) => block >= first && block < first + count);
    const blocked = this.#free('blocks', () => true, isOutside);
    this.#queue.push(...blocked.map(([first, count]) => `setb ${first} ${count}`));
    this.#queue.push(...commands);
    this.#queue.push(...blocked.map(([first, count]) => `freeb ${first} ${count}`));
  }

  /** Where a folder's files begin: somewhere in its group, so that groups do not all look alike. */
  #startOf(path) {
    const group = this.#groupOf(path);
    const offset = [...posix.dirname(path)].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 5000, 7);
    return group * BLOCKS_PER_GROUP + (group < 2 ? 0 : offset);
  }

  #groupOf(path) {
    const folder = posix.dirname(path);
    return folder === '/' ? 0 : (this.#groups.get(folder) ?? this.#groupOf(folder));
  }

  #own(path, mode, uid, gid, time) {
    this.#queue.push(`sif ${path} mode 0${mode.toString(8)}`, `sif ${path} uid ${uid}`, `sif ${path} gid ${gid}`);
    for (const field of ['atime', 'ctime', 'mtime', 'crtime']) {
      this.#queue.push(`sif ${path} ${field} @${time}`);
    }
  }

  #free(what, wantsGroup, wantsBlock = () => true) {
    this.flush();
    const { stdout } = this.#tool('dumpe2fs', [this.#image]);
    const runs = [];
    let group = -1;
    for (const line of stdout.split('\n')) {
      group = Number(/^Group (\d+):/.exec(line)?.[1] ?? group);
      const list = new RegExp(`^ +Free ${what}: (.+)$`).exec(line)?.[1];
      if (list === undefined || !wantsGroup(group)) {
        continue;
      }
      for (const range of list.split(', ')) {
        const [first, last = first] = range.split('-').map(Number);
        const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(wantsBlock);
        runs.push(...runsOf(numbers));
      }
    }
    return runs;
  }

  #tool(program, args) {
    const result = spawnSync(program, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, E2FSPROGS_FAKE_TIME: String(this.#time), TZ: 'UTC', LC_ALL: 'C', MKE2FS_SYNC: '0' },
    });
    if (result.error) {
      throw result.error;
    }
    if (result.status !== 0) {
      throw new Error(`${program} ${args.join(' ')}: exit code ${result.status}\n${result.stdout}${result.stderr}`);
    }
    return result;
  }
}

function runsOf(numbers) {
  const runs = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[0] + last[1] === number) {
      last[1]++;
    } else {
      runs.push([number, 1]);
    }
  }
  return runs;
}
