/** Everything that a person can do with an open chain, and what must hold whatever the image says. */
import assert from 'node:assert/strict';
import type { Picture, Session, Sink } from '../../src/core';
import { compare, DiskError, flatten, qemuMap, walk } from '../../src/core';
import { runAt } from '../../src/core/runs';
import { summarizeSession } from '../../src/node/summary';
import type { Draw } from '../support/random';

const SECTOR = 512;

/** An open chain under test. */
export interface Subject {
  readonly session: Session;
  readonly draw: Draw;
  /** Takes note of an answer: the same image must give the same ones again. */
  readonly note: (answer: unknown) => void;
  /** Runs a job as long as the run's steps last. @returns undefined for one that was given up */
  readonly finish: <T>(job: Generator<unknown, T, void>) => T | undefined;
}

/** @throws DiskError where the image does not let it, AssertionError when an answer contradicts itself */
export type Exercise = (subject: Subject) => void;

/** Layers below the newest that are looked at, about. */
const MOST_LAYERS = 6;
/** States of one image that are looked at. */
const MOST_VIEWS = 4;
/** Entries of a map that are looked at. */
const MOST_ENTRIES = 50_000;
const READ_BYTES = 700;
/** What is told of one layer goes through two threads and a page. */
const MOST_TOLD_BYTES = 4 << 20;
/** With this a scan stops early, where a trace of one byte still finds its way. */
const STOPPED_EARLY = 'scan-failed';

export const EXERCISES: Readonly<Record<string, Exercise>> = {
  facts: ({ session, note }) => {
    const summary = summarizeSession(session, { generation: 0, scan: 'running' });
    const told = JSON.stringify(summary);
    assert(told.length < MOST_TOLD_BYTES * summary.layers.length, `${told.length} bytes are told of the chain`);
    note(told);
    note(session.chain.layers.map(({ layer }) => [layer.info, layer.facts]));
  },

  views: (subject) => {
    const { session, draw } = subject;
    for (const { depth, layer } of session.chain.layers) {
      if (depth > 0 && !draw.chance(Math.min(0.3, MOST_LAYERS / session.chain.layers.length))) continue;
      for (const { id } of someOf(draw, layer.views)) {
        session.stand({ depth, view: id });
        look(subject);
      }
    }
    session.stand({ depth: 0, view: '' });
  },

  /** As what reads the whole disk walks it: maps that follow on each other. */
  walk: ({ session: { chain, view }, finish, note }) => {
    let end = 0;
    finish(
      (function* maps(): Generator<unknown, void, void> {
        for (const map of walk(chain, { depth: 0, view })) {
          assert(map.count > 0, 'a step of the walk is a part of the disk');
          assert.equal(map.start[0], end, 'the walk goes on where it was');
          end = map.start[map.count] ?? 0;
          note([map.count, end]);
          yield undefined;
        }
        assert.equal(end, view.guestSize, 'the walk comes to the end of the disk');
      })(),
    );
  },

  /** With itself, which never differs, and with another of its states. */
  compare: ({ session: { chain, view }, draw, finish, note }) => {
    if (draw.chance(0.5)) return;
    const a = { chain, from: { depth: 0, view } };
    const same = finish(compare(a, a));
    if (same) assert.equal(same.bytes, 0, 'a disk is what it is');
    const other = draw.pick(chain.layers[0]?.layer.views ?? [view]);
    const found = finish(compare(a, { chain, from: { depth: 0, view: other } }));
    if (!found) return;
    note(found);
    const size = Math.max(view.guestSize, other.guestSize);
    assert(found.unknownBytes + found.skipped <= size, 'no more is compared than there is');
    // What differs is told in whole sectors, of which a part may be skipped: a layer may end in the middle of one.
    const most = size + found.ranges * 2 * SECTOR;
    assert(found.bytes + found.unknownBytes + found.skipped <= most, 'no more differs than there is');
  },

  flatten: ({ session: { chain, view }, draw, finish, note }) => {
    if (draw.chance(0.5)) return;
    const sink = new CountingSink();
    const format = draw.pick(['raw', 'qcow2'] as const);
    finish(flatten({ chain, from: { depth: 0, view } }, sink, { format }));
    note([sink.end, sink.written]);
    if (format === 'raw') assert(sink.end <= view.guestSize, 'a flat disk is no longer than the disk');
  },

  check: ({ session, finish, note }) => {
    for (const { layer } of session.chain.layers.slice(0, 3)) {
      const job = layer.check?.();
      const report = job && finish(job);
      if (!report) continue;
      const { counts, problems, untold, file } = report;
      note([counts, problems, untold]);
      const told = problems.filter(({ counts: as }) => as === 'corruption').reduce((sum, { times }) => sum + times, 0);
      assert(told <= counts.corruptions, 'no more corruptions are told than are counted');
      for (let i = 0; i < file.count; i += 1) {
        assert((file.start[i + 1] ?? 0) > (file.start[i] ?? 0), 'the map of the file rises');
      }
    }
  },
};

/** Keeps of a new image no more than how long it is. */
class CountingSink implements Sink {
  end = 0;
  written = 0;

  writeAt(bytes: Uint8Array, position: number): void {
    this.written += bytes.length;
    this.end = Math.max(this.end, position + bytes.length);
  }

  setSize(size: number): void {
    this.end = size;
  }
}

function someOf<T>(draw: Draw, all: readonly T[]): readonly T[] {
  if (all.length <= MOST_VIEWS) return all;
  return [...all.slice(0, MOST_VIEWS - 2), draw.pick(all), ...all.slice(-1)];
}

/** One state of the disk: its map and accounts, and pieces of it traced, read and drawn. */
function look({ session, draw, note, finish }: Subject): void {
  const picture = finish(session.scan());
  if (!picture) return;
  const { map, accounting } = picture;
  const { guestSize } = session.view;
  const owned = accounting.layers.reduce((sum, layer) => sum + layer.owned, 0);
  assert.equal(owned + accounting.nobody + accounting.unknown, guestSize, 'the owners add up');
  for (const layer of accounting.layers) {
    assert(layer.shadowed >= 0);
    assert.equal(layer.owned, layer.ownedData + layer.ownedZero + layer.ownedCompressed);
  }
  note([accounting, map.count, session.chain.layers.map(({ depth }) => session.findings(depth))]);
  assertMapIsWhole(session);
  const early = session.chain.layers.some(({ depth }) =>
    session.findings(depth).some(({ code }) => code === STOPPED_EARLY),
  );
  const places =
    guestSize === 0 ? [] : [0, guestSize - 1, ...Array.from({ length: 3 }, () => drawPlace(draw, picture))];
  for (const offset of places) {
    const trace = session.trace(offset);
    const run = runAt(map, offset);
    if (!early) assert.deepEqual([trace.owner, trace.kind], [map.owner[run], map.kind[run]], `byte ${offset}`);
    const bytes = new Uint8Array(Math.min(READ_BYTES, guestSize - offset));
    note([trace, session.read(picture, offset, bytes), bytes]);
    const cells = picture.pixels(offset, draw.pick([1, 4096, guestSize / 16 || 1]), 16);
    note(cells.bytes);
  }
  assert.throws(() => session.trace(guestSize), DiskError);
}

/** A byte somewhere, or at the edge of a run. */
function drawPlace(draw: Draw, { map }: Picture): number {
  const size = map.start[map.count] ?? 1;
  const place = draw.chance(0.5) ? (map.start[draw.below(map.count)] ?? 0) : Math.floor((draw.next() / 2 ** 32) * size);
  return Math.min(size - 1, Math.max(0, place - draw.below(2)));
}

function assertMapIsWhole({ chain, standpoint, view }: Session): void {
  let end = 0;
  let count = 0;
  for (const entry of qemuMap(chain, { depth: standpoint.depth, view })) {
    if (!entry) continue;
    assert.equal(entry.start, end, 'the map has no gap');
    end += entry.length;
    count += 1;
    if (count > MOST_ENTRIES) return;
  }
  assert.equal(end, view.guestSize, 'the map ends where the disk does');
}
