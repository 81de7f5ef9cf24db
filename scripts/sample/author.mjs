// Makes guest.br, the life of the sample's guest, with e2fsprogs 1.47:
//   node scripts/sample/author.mjs
// Only needed when author/ or content.ts change. What the file holds is described in asset.ts: the blocks that a
// seed gives are named, everything else (the file system's own blocks, small texts) is kept.
import { createHash } from 'node:crypto';
import {
  closeSync, cpSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ext4 } from './author/ext4.mjs';
import { STATES } from './author/states.mjs';
import { load } from './bundle.mjs';

const PARTITION = 256;
const CHUNK_BLOCKS = 2048;
const { BLOCK, DISCARD, LITERAL, ZEROES, fileBytes, packGuest, wholeLines } = await load('recipe');

const files = [];
/** SHA-1 of a block → [file number, block number in it]. */
const known = new Map();
const hashOf = (block) => createHash('sha1').update(block).digest('latin1');
const isZero = (block) => block.every((byte) => byte === 0);

/** Bytes of a content spec, remembered so that their blocks are recognised on the disk. */
function make(spec) {
  const whole = spec.kind === 'syslog' || spec.kind === 'access' ? wholeLines(spec) : spec;
  const bytes = fileBytes(whole);
  const file = files.push(whole) - 1;
  for (let i = 0; i * BLOCK < bytes.length; i++) {
    const block = Buffer.alloc(BLOCK);
    block.set(bytes.subarray(i * BLOCK, (i + 1) * BLOCK));
    const hash = hashOf(block);
    if (!known.has(hash)) {
      known.set(hash, [file, i]);
    }
  }
  return bytes;
}

/** Block number → [hash, bytes unless a file has them] of every block that is not zero. */
function readBlocks(image) {
  const blocks = new Map();
  const fd = openSync(image, 'r');
  const chunk = Buffer.alloc(CHUNK_BLOCKS * BLOCK);
  const total = fstatSync(fd).size / BLOCK;
  for (let at = 0; at < total; at += CHUNK_BLOCKS) {
    const read = readSync(fd, chunk, 0, chunk.length, at * BLOCK);
    for (let i = 0; i < read / BLOCK; i++) {
      const block = chunk.subarray(i * BLOCK, (i + 1) * BLOCK);
      if (!isZero(block)) {
        const hash = hashOf(block);
        blocks.set(at + i, [hash, known.has(hash) ? undefined : Buffer.from(block)]);
      }
    }
  }
  closeSync(fd);
  return blocks;
}

const spread = (runs) => runs.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));

/** Sorted single-block writes as runs. */
function merge(writes) {
  const runs = [];
  for (const [block, source, first] of writes) {
    const last = runs.at(-1);
    const follows = last && last[0] + last[1] === block && last[2] === source;
    if (follows && (source < 0 || last[3] + last[1] === first)) {
      last[1]++;
    } else {
      runs.push([block, 1, source, first]);
    }
  }
  return runs;
}

function writesBetween(before, after, zeroed, discarded) {
  const writes = new Map(discarded.map((block) => [block, [DISCARD, 0]]));
  for (const block of after.free) {
    if (before && block < before.size && !before.free.has(block)) {
      writes.set(block, [DISCARD, 0]);
    }
  }
  for (const block of zeroed) {
    writes.set(block, [ZEROES, 0]);
  }
  for (const [block, [hash]] of after.blocks) {
    if (before?.blocks.get(block)?.[0] !== hash) {
      writes.set(block, known.get(hash) ?? [LITERAL, 0]);
    }
  }
  for (const block of before?.blocks.keys() ?? []) {
    if (!after.blocks.has(block) && !writes.has(block)) {
      writes.set(block, [ZEROES, 0]);
    }
  }
  return [...writes].sort((a, b) => a[0] - b[0]).map(([block, [source, first]]) => [block, source, first]);
}

const folder = mkdtempSync(join(tmpdir(), 'vmdisk-author-'));
try {
  const states = new Map();
  const steps = [];
  const literals = [];
  let journal = [];
  for (const { name, parent, run } of STATES) {
    const image = join(folder, `${name}.ext4`);
    const before = states.get(parent);
    if (before) {
      cpSync(before.image, image);
    }
    const fs = new Ext4(image, join(folder, 'sources'), before?.groups);
    const { zeroed = [], discarded = [] } = run(fs, make) ?? {};
    fs.verify();
    const blocks = readBlocks(image);
    const free = new Set(spread(fs.freeBlocks()));
    // Freed blocks keep their stale bytes in this file; the guest's disk has discarded them.
    for (const block of before?.free ? blocks.keys() : []) {
      if (free.has(block)) {
        blocks.delete(block);
      }
    }
    const after = { image, groups: fs.groups, blocks, free, size: statSync(image).size / BLOCK };
    const writes = writesBetween(before, after, spread(zeroed), spread(discarded));
    for (const [block, source] of writes) {
      if (source === LITERAL) {
        literals.push(blocks.get(block)[1]);
      }
    }
    steps.push({ name, parent, writes: merge(writes.map(([block, ...rest]) => [block + PARTITION, ...rest])) });
    journal = fs.blocksOf('<8>').map(([block, count]) => [block + PARTITION, count]);
    states.set(name, after);
    const count = (source) => writes.filter((write) => write[1] === source).length;
    const seeded = writes.length - count(LITERAL) - count(DISCARD) - count(ZEROES);
    const others = `${count(LITERAL)} literal, ${count(DISCARD)} discarded, ${count(ZEROES)} zeroed`;
    console.log(`${name}: ${seeded} seeded, ${others}`);
  }
  const packed = packGuest({ files, steps, journal, literals: Buffer.concat(literals) });
  writeFileSync(new URL('guest.br', import.meta.url), packed);
  console.log(`guest.br: ${packed.length} bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
