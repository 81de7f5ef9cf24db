import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Kind, UNKNOWN_OWNER, Use } from '../../../src/core/model';
import { TRUST_ALL } from '../../../src/node/gate';
import { ImageServer } from '../../../src/node/imageServer';
import type { ImageSummary, OpenResult } from '../../../src/protocol/image';
import type { OpenParams, WorkerEvents } from '../../../src/protocol/worker';
import type { BuiltQcow2, Qcow2Spec } from '../../fixtures/build/index';
import { buildQcow2, data, guestBytes, noise, writeImage, zero } from '../../fixtures/build/index';
import { makeLibvirt } from '../../fixtures/platforms/others';
import { hostClusterOf, setRefcount } from '../../support/qcow2Patch';
import { openDescriptors } from '../../support/specialFiles';
import { mapEntries } from '../../support/map';
import { withSession } from '../../support/session';
import { makeTempFolder, removeFolder } from '../../support/temp';

type Names = keyof WorkerEvents;
type Heard = { readonly [N in Names]: { readonly name: N; readonly data: WorkerEvents[N] } }[Names];

const CLUSTER = 65_536;
/** All L1 entries of the large image lead to one L2 table: many guest clusters, and little to write. */
const LARGE_L1 = 256;
const LARGE_CLUSTERS = LARGE_L1 * (CLUSTER / 8);

/** The file stays the same one. */
function writeInPlace(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'r+');
  writeFileSync(descriptor, bytes);
  closeSync(descriptor);
}

describe('the server of one image', () => {
  let folder: string;
  let heard: Heard[];
  let server: ImageServer;
  let onEvent: ((event: Heard) => void) | undefined;
  beforeEach(() => {
    folder = makeTempFolder('server');
    heard = [];
    onEvent = undefined;
    server = new ImageServer((name, sent) => {
      // As between threads: what is changed later does not change what was told.
      const event = structuredClone({ name, data: sent }) as Heard;
      heard.push(event);
      onEvent?.(event);
    });
  });
  afterEach(async () => {
    // Whatever still runs is stopped by this, before its files go.
    server.open(params(join(folder, 'nothing')));
    await setImmediate();
    removeFolder(folder);
  });

  const at = (name: string): string => join(folder, name);
  const params = (path: string, more: Partial<OpenParams> = {}): OpenParams => ({
    path,
    policy: TRUST_ALL,
    forceRaw: false,
    ...more,
  });
  const build = (name: string, spec: Partial<Qcow2Spec>): BuiltQcow2 => {
    const built = buildQcow2({ size: 4 * CLUSTER, ...spec });
    writeImage(at(name), built.image);
    return built;
  };
  const open = (name: string, more: Partial<OpenParams> = {}): ImageSummary =>
    summaryOf(server.open(params(at(name), more)));
  const summaryOf = (result: OpenResult): ImageSummary => {
    assert(result.kind === 'image', JSON.stringify(result));
    return result.summary;
  };
  const changes = (): ImageSummary[] => heard.flatMap((event) => (event.name === 'changed' ? [event.data] : []));
  /** Waits for an event; mocha's timeout ends waiting for what never comes. */
  const until = async <T>(find: () => T | undefined | false): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      await setImmediate();
    }
  };
  const complete = (): Promise<ImageSummary> => until(() => changes().find(({ scan }) => scan === 'complete'));
  /** Long enough for a scan that was not stopped to be heard of. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
  };

  /** Two layers of four clusters: the top has 0 and zeros at 1, the base 1 and 2, nobody 3. */
  const pair = (): { top: BuiltQcow2; base: BuiltQcow2 } => ({
    base: build('base', {
      clusters: new Map([
        [1, data(noise(1, CLUSTER))],
        [2, data(noise(2, CLUSTER))],
      ]),
    }),
    top: build('top', {
      backing: 'base',
      backingFormat: 'qcow2',
      clusters: new Map([
        [0, data(noise(3, CLUSTER))],
        [1, zero()],
      ]),
    }),
  });

  /** Every other cluster zeros: no two neighbours are one run, and a scan takes many slices. */
  const large = (name: string, more: Partial<Qcow2Spec> = {}): void => {
    const zeros = Array.from({ length: CLUSTER / 16 }, (_, i) => [2 * i, zero()] as const);
    const built = buildQcow2({ size: LARGE_CLUSTERS * CLUSTER, clusters: new Map(zeros), ...more });
    const { image, layout } = built;
    const entry = image.peekU64(layout.l1.offset);
    for (let i = 1; i < LARGE_L1; i += 1) image.pokeU64(layout.l1.offset + 8 * i, entry);
    // A reader may stop when it has read more tables than fit in the file, so the file ends in a long hole.
    writeImage(at(name), image.truncate(2 * LARGE_L1 * CLUSTER));
  };

  describe('opening', () => {
    it('answers with the chain before anything is scanned, and tells of the map once it is', async () => {
      pair();
      const first = open('top');
      assert.deepEqual(heard, []);
      assert.deepEqual(
        first.layers.map(({ path }) => path),
        [at('top'), at('base')],
      );
      assert.deepEqual(
        [first.path, first.scan, first.end.kind, first.guestSize, first.standpoint, first.accounting],
        [at('top'), 'running', 'base', 4 * CLUSTER, { depth: 0, view: '' }, undefined],
      );
      const last = await complete();
      assert(last.generation > first.generation);
      assert.deepEqual(
        last.accounting?.layers.map(({ owned }) => owned),
        [2 * CLUSTER, CLUSTER],
      );
      assert.equal(last.accounting.nobody, CLUSTER);
      await settle();
      assert.equal(changes().at(-1)?.scan, 'complete');
      assert.equal(changes().filter(({ scan }) => scan === 'complete').length, 1);
    });

    it('lets generations rise with every change', async () => {
      large('large');
      const first = open('large');
      await complete();
      const generations = [first, ...changes()].map(({ generation }) => generation);
      assert.deepEqual(
        generations,
        [...new Set(generations)].sort((a, b) => a - b),
      );
    });

    it('tells how far the scan is, in order', async () => {
      large('large');
      open('large');
      await complete();
      const progress = heard.flatMap((event) => (event.name === 'progress' ? [event.data] : []));
      assert(progress.length > 0);
      for (const { done, total } of progress) assert(done >= 0 && done <= total, `${done} of ${total}`);
    });

    it('tells what a file is that is no image', () => {
      const head = '\x89PNG\r\n\x1a\n';
      writeFileSync(at('picture.qcow2'), `${head}${'x'.repeat(1000)}`, 'latin1');
      const result = server.open(params(at('picture.qcow2')));
      assert(result.kind === 'not-an-image', result.kind);
      assert.deepEqual([result.what.path, result.what.size, result.what.offerRaw], [at('picture.qcow2'), 1008, true]);
      assert.match(result.what.found, /PNG/);
      assert.equal(result.what.head.length, 256);
      assert.equal(Buffer.from(result.what.head.subarray(0, 8)).toString('latin1'), head);
    });

    it('of an empty file offers nothing', () => {
      writeFileSync(at('empty'), '');
      const result = server.open(params(at('empty')));
      assert(result.kind === 'not-an-image', result.kind);
      assert.deepEqual([result.what.size, result.what.offerRaw, result.what.head.length], [0, false, 0]);
    });

    it('takes what is no image as a raw disk when that is asked for', async () => {
      writeFileSync(at('notes.txt'), 'x'.repeat(CLUSTER));
      const summary = open('notes.txt', { forceRaw: true });
      assert.deepEqual([summary.layers[0]?.format, summary.guestSize], ['raw', CLUSTER]);
      const { bytes } = await server.read(0, 4);
      assert.equal(Buffer.from(bytes).toString(), 'xxxx');
    });

    it('does not take as raw what is an image', () => {
      pair();
      assert.equal(open('top', { forceRaw: true }).layers[0]?.format, 'qcow2');
    });

    it('of a file that is not there, or broken, says why', () => {
      const gone = server.open(params(at('gone')));
      assert(gone.kind === 'failed', gone.kind);
      assert.deepEqual([gone.error.code, gone.error.file], ['not-found', at('gone')]);
      assert.deepEqual([gone.size, gone.head], [undefined, undefined]);
      const cut = 'QFI\xfb\0\0\0\x03';
      writeFileSync(at('cut'), cut, 'latin1');
      const broken = server.open(params(at('cut')));
      assert(broken.kind === 'failed', broken.kind);
      assert.deepEqual([broken.error.file, broken.size], [at('cut'), 8]);
      assert.equal(Buffer.from(broken.head ?? []).toString('latin1'), cut);
    });

    it('leaves no file open of what could not be opened', function () {
      if (process.platform !== 'linux') this.skip();
      writeFileSync(at('cut'), 'QFI\xfb\0\0\0\x03', 'latin1');
      writeFileSync(at('text'), 'text');
      for (const name of ['cut', 'text']) {
        server.open(params(at(name)));
        assert(![...openDescriptors().values()].includes(at(name)), name);
      }
    });

    it('of what is no image leaves nothing to ask about', async () => {
      pair();
      open('top');
      server.open(params(at('gone')));
      assert.throws(() => server.look({ depth: 0, view: '' }), /no image is open/);
      assert.throws(() => server.trace(0), /no image is open/);
      await assert.rejects(server.read(0, 1), /no image is open/);
      await settle();
      assert.deepEqual(heard, []);
    });

    it('opens a parent outside the folder once that is allowed', async () => {
      mkdirSync(at('work'));
      mkdirSync(at('other'));
      build('other/base', { clusters: new Map([[1, data(noise(1, CLUSTER))]]) });
      build('work/top', { backing: '../other/base', backingFormat: 'qcow2' });
      const policy = { folders: [at('work')], allowed: [] as string[], platformTools: false };
      const refused = open('work/top', { policy });
      assert(refused.end.kind === 'refused', refused.end.kind);
      assert.deepEqual([refused.end.reason, refused.end.name], ['outside', at('other/base')]);
      assert.equal(refused.layers.length, 1);
      await complete();
      assert.equal(changes().at(-1)?.accounting?.unknown, 4 * CLUSTER);
      heard.length = 0;
      const allowed = open('work/top', { policy: { ...policy, allowed: [refused.end.name] } });
      assert.equal(allowed.end.kind, 'base');
      assert.deepEqual(
        allowed.layers.map(({ path }) => path),
        [at('work/top'), at('other/base')],
      );
      const { accounting } = await complete();
      assert.deepEqual(
        accounting?.layers.map(({ owned }) => owned),
        [0, CLUSTER],
      );
    });
  });

  describe('opening anew', () => {
    it('keeps the place that it is looked at from', async () => {
      const { base } = pair();
      open('top');
      const standpoint = { depth: 1, view: '' };
      const again = open('top', { standpoint });
      assert.deepEqual(again.standpoint, standpoint);
      const { accounting } = await complete();
      assert.deepEqual(
        accounting?.layers.map(({ owned }) => owned),
        [0, 2 * CLUSTER],
      );
      const { bytes } = await server.read(0, 4 * CLUSTER);
      assert.deepEqual(bytes, guestBytes(base.spec));
    });

    it('looks at the disk as it is now where that place is gone', () => {
      pair();
      for (const standpoint of [
        { depth: 2, view: '' },
        { depth: 0, view: '7' },
      ]) {
        assert.deepEqual(open('top', { standpoint }).standpoint, { depth: 0, view: '' });
      }
    });

    it('reads the file that has the name now, and closes the other', async () => {
      build('disk', { clusters: new Map([[0, data(noise(1, CLUSTER))]]) });
      build('next', { size: 8 * CLUSTER, clusters: new Map([[0, data(noise(2, CLUSTER))]]) });
      const first = open('disk');
      await complete();
      renameSync(at('next'), at('disk'));
      heard.length = 0;
      const second = open('disk');
      await complete();
      assert(second.generation > first.generation);
      assert.equal(second.guestSize, 8 * CLUSTER);
      assert.deepEqual((await server.read(0, CLUSTER)).bytes, noise(2, CLUSTER));
      if (process.platform !== 'linux') return;
      const left = [...openDescriptors().values()].filter((path) => path.startsWith(at('disk')));
      assert.deepEqual(left, [at('disk')]);
    });

    it('shows nothing of what the file held before, where it was written to in place', async () => {
      const { top } = pair();
      open('top');
      await complete();
      const [before] = server.trace(0).trace.steps;
      assert.deepEqual([before?.kind, (await server.read(0, 4)).bytes], [Kind.Data, noise(3, CLUSTER).slice(0, 4)]);
      // The first cluster is given up: what the base holds there is seen, which is nothing.
      top.image.pokeU64(top.layout.l2Entry(0) ?? NaN, 0n);
      writeInPlace(at('top'), top.image.peek(0, top.image.size));
      heard = [];
      open('top');
      await complete();
      const [after] = server.trace(0).trace.steps;
      assert.deepEqual([after?.kind, (await server.read(0, 4)).bytes], [Kind.Absent, new Uint8Array(4)]);
    });

    it('ends the scan of what was open, of which nothing more is heard', async () => {
      large('large');
      pair();
      open('large');
      await until(() => heard.some(({ name }) => name === 'progress'));
      heard.length = 0;
      open('top');
      await complete();
      await settle();
      assert.deepEqual([...new Set(changes().map(({ path }) => path))], [at('top')]);
      assert.equal(changes().at(-1)?.scan, 'complete');
      assert.equal(server.pixels({ start: 0, cellBytes: CLUSTER, cells: 1 }).complete, true);
    });
  });

  describe('looking from elsewhere', () => {
    it('answers at once, and tells of the map once it is known', async () => {
      pair();
      open('top');
      const { generation } = await complete();
      heard.length = 0;
      const there = server.look({ depth: 1, view: '' });
      assert.deepEqual(heard, []);
      assert.deepEqual(there.standpoint, { depth: 1, view: '' });
      assert.deepEqual([there.scan, there.accounting], ['running', undefined]);
      assert(there.generation > generation);
      // Of what is seen from there nothing is known yet.
      const reply = server.pixels({ start: 0, cellBytes: CLUSTER, cells: 1 });
      assert.deepEqual([reply.generation, [...reply.pixels.owner]], [there.generation, [UNKNOWN_OWNER]]);
      const last = await complete();
      assert.deepEqual(last.standpoint, { depth: 1, view: '' });
      assert.deepEqual(
        last.accounting?.layers.map(({ owned }) => owned),
        [0, 2 * CLUSTER],
      );
      heard.length = 0;
      server.look({ depth: 0, view: '' });
      assert.deepEqual(
        (await complete()).accounting?.layers.map(({ owned }) => owned),
        [2 * CLUSTER, CLUSTER],
      );
    });

    it('looks at an internal snapshot', async () => {
      const old = data(noise(9, CLUSTER));
      build('disk', {
        clusters: new Map([[0, data(noise(1, CLUSTER))]]),
        snapshots: [
          {
            id: '5',
            name: 'before',
            clusters: new Map([
              [0, old],
              [2, old],
            ]),
            diskSize: 3 * CLUSTER,
          },
        ],
      });
      open('disk');
      const summary = server.look({ depth: 0, view: '5' });
      assert.equal(summary.guestSize, 3 * CLUSTER);
      assert.deepEqual((await complete()).accounting?.layers[0]?.owned, 2 * CLUSTER);
      assert.deepEqual((await server.read(0, CLUSTER)).bytes, noise(9, CLUSTER));
    });

    it('from where nothing is fails, and changes nothing', async () => {
      pair();
      open('top');
      const { generation } = await complete();
      heard.length = 0;
      assert.throws(() => server.look({ depth: 7, view: '' }), { code: 'not-found' });
      assert.throws(() => server.look({ depth: 0, view: 'gone' }), { code: 'not-found' });
      await settle();
      assert.deepEqual(heard, []);
      const reply = server.pixels({ start: 0, cellBytes: CLUSTER, cells: 4 });
      assert.deepEqual([reply.generation, reply.complete], [generation, true]);
    });

    it('stops the scan before it began, of which nothing is heard', async () => {
      pair();
      open('top');
      const { generation } = server.look({ depth: 1, view: '' });
      await complete();
      await settle();
      for (const change of changes()) {
        assert.deepEqual(change.standpoint, { depth: 1, view: '' });
        assert(change.generation > generation);
      }
      assert.equal(changes().filter(({ scan }) => scan === 'complete').length, 1);
    });

    it('stops the scan that is under way, of which nothing more is heard', async () => {
      large('large-base');
      large('large', { backing: 'large-base', backingFormat: 'qcow2' });
      open('large');
      await until(() => heard.some(({ name }) => name === 'progress'));
      heard.length = 0;
      const { generation } = server.look({ depth: 1, view: '' });
      const last = await complete();
      await settle();
      for (const event of heard) {
        if (event.name === 'changed') {
          assert.deepEqual(event.data.standpoint, { depth: 1, view: '' });
          assert(event.data.generation > generation);
        }
      }
      assert.equal(last.accounting?.layers[1]?.owned, (LARGE_CLUSTERS / 2) * CLUSTER);
      assert.equal(changes().filter(({ scan }) => scan === 'complete').length, 1);
    });
  });

  describe('pixels', () => {
    it('are unknown before a layer is scanned, and say from which map they are', async () => {
      pair();
      const { generation } = open('top');
      const request = { start: 0, cellBytes: CLUSTER, cells: 4 };
      const before = server.pixels(request);
      assert.deepEqual([before.generation, before.complete], [generation, false]);
      assert.deepEqual([...before.pixels.owner], [UNKNOWN_OWNER, UNKNOWN_OWNER, UNKNOWN_OWNER, UNKNOWN_OWNER]);
      const last = await complete();
      const after = server.pixels(request);
      assert.deepEqual([after.generation, after.complete], [last.generation, true]);
      assert.deepEqual([...after.pixels.owner].slice(0, 3), [0, 0, 1]);
      assert.deepEqual([...after.pixels.kind].slice(0, 3), [Kind.Data, Kind.Zero, Kind.Data]);
      assert.deepEqual([...after.pixels.bytes], [CLUSTER, CLUSTER, CLUSTER, CLUSTER]);
    });
  });

  describe('comparing', () => {
    /** Four clusters against three of them, the second with other content: clusters 1 and 3 differ. */
    const differing = async (): Promise<void> => {
      const own = (index: number) => [index, data(noise(index + 1, CLUSTER))] as const;
      build('ours', { clusters: new Map([0, 1, 2, 3].map(own)) });
      build('theirs', { clusters: new Map([own(0), [1, data(noise(99, CLUSTER))], own(2)]) });
      open('ours');
      await complete();
      await server.compare({ path: at('theirs'), view: '', policy: TRUST_ALL });
    };

    it('finds the next and the last difference, going round', async () => {
      await differing();
      const from = (offset: number, by: 1 | -1): number | undefined => server.difference(offset, by)?.index;
      assert.deepEqual(server.difference(-1, 1), { start: CLUSTER, end: 2 * CLUSTER, index: 0 });
      assert.deepEqual([from(CLUSTER, 1), from(3 * CLUSTER, 1), from(3 * CLUSTER, -1), from(0, -1)], [1, 0, 0, 1]);
    });

    it('tells how many bytes of each cell differ, and no longer once it is put away', async () => {
      await differing();
      const cells = { start: 0, cellBytes: 2 * CLUSTER, cells: 2 };
      assert.deepEqual([...(server.pixels(cells).different ?? [])], [CLUSTER, CLUSTER]);
      await server.compare(null);
      assert.deepEqual([server.pixels(cells).different, server.difference(-1, 1)], [undefined, null]);
    });

    it('that is put away before it has begun does not come back', async () => {
      await differing();
      const begun = server.compare({ path: at('theirs'), view: '', policy: TRUST_ALL });
      const away = server.compare(null);
      assert.deepEqual(await Promise.all([begun, away]), [null, null]);
      assert.equal(server.difference(-1, 1), null);
    });

    const leaving = {
      'the disk is looked at from elsewhere': () => void server.look({ depth: 1, view: '' }),
      'the image is read anew': () => void open('top'),
    };
    for (const [what, leave] of Object.entries(leaving)) {
      it(`ends where ${what}: what it found would be of no use`, async () => {
        large('large');
        build('top', { size: LARGE_CLUSTERS * CLUSTER, backing: 'large', backingFormat: 'qcow2' });
        build('empty', { size: LARGE_CLUSTERS * CLUSTER });
        open('top');
        await complete();
        let told = 0;
        onEvent = ({ name }) => {
          if (name !== 'working') return;
          told += 1;
          if (told === 1) leave();
        };
        assert.equal(await server.compare({ path: at('empty'), view: '', policy: TRUST_ALL }), null);
        onEvent = undefined;
        assert.equal(told, 1);
      });
    }
  });

  describe('checking', () => {
    it('draws the file by its uses, and marks there and on the disk what a problem touches', async () => {
      build('damaged', { clusters: new Map([0, 1, 2, 3].map((index) => [index, data(noise(index + 1, CLUSTER))])) });
      const bytes = readFileSync(at('damaged'));
      const place = hostClusterOf(bytes, 2);
      setRefcount(bytes, place, 0);
      writeFileSync(at('damaged'), bytes);
      open('damaged');
      await complete();
      const cells = { start: 0, cellBytes: CLUSTER, cells: 4 };
      assert.throws(() => server.pixels({ ...cells, file: 0 }), { code: 'not-found' });
      await server.check(0);
      assert.deepEqual([...(server.pixels(cells).damaged ?? [])], [0, 0, CLUSTER, 0]);
      const { pixels, damaged } = server.pixels({ start: place * CLUSTER, cellBytes: CLUSTER, cells: 1, file: 0 });
      assert.deepEqual([[...pixels.owner], [...(damaged ?? [])]], [[Use.Uncounted], [CLUSTER]]);
      assert.deepEqual([...server.pixels({ ...cells, cells: 1, file: 0 }).pixels.owner], [Use.Header]);
    });

    it('ends where the image is read anew: its file is no longer open', async () => {
      pair();
      open('top');
      await complete();
      const done = server.check(0);
      const { layers } = open('top');
      assert.equal(await done, null);
      assert.equal(layers[0]?.check, undefined);
    });
  });

  describe('reading', () => {
    it('gives the guest’s bytes, from wherever the disk is looked at', async () => {
      const { top, base } = pair();
      const below = guestBytes(base.spec);
      open('top');
      await complete();
      assert.deepEqual((await server.read(0, 4 * CLUSTER)).bytes, guestBytes(top.spec, below));
      server.look({ depth: 1, view: '' });
      await until(() => changes().at(-1)?.scan === 'complete' && changes().at(-1)?.standpoint.depth === 1);
      assert.deepEqual((await server.read(0, 4 * CLUSTER)).bytes, below);
    });

    it('ends where the disk ends', async () => {
      pair();
      open('top');
      await complete();
      const { offset, bytes } = await server.read(4 * CLUSTER - 10, 100);
      assert.deepEqual([offset, bytes.length], [4 * CLUSTER - 10, 10]);
      await assert.rejects(server.read(4 * CLUSTER, 1), { code: 'out-of-range' });
      await assert.rejects(server.read(NaN, 1), { code: 'out-of-range' });
    });

    it('gives a part of what is asked for where that is too much', async () => {
      large('large');
      open('large');
      assert.equal((await server.read(0, 2 ** 40)).bytes.length, 2 ** 20);
    });
  });

  describe('exporting the map', () => {
    it('writes what qemu-img map would', async () => {
      const { top, base } = pair();
      open('top');
      const { entries } = (await server.exportMap(at('map.json'), 'json')) ?? assert.fail();
      const own = (built: BuiltQcow2, index: number): number => {
        const place = built.layout.places.get(built.spec.clusters?.get(index) ?? zero());
        return place?.offset ?? NaN;
      };
      const stretch = { length: CLUSTER, compressed: false };
      const expected = [
        { start: 0, ...stretch, depth: 0, present: true, zero: false, data: true, offset: own(top, 0) },
        { start: CLUSTER, ...stretch, depth: 0, present: true, zero: true, data: false },
        { start: 2 * CLUSTER, ...stretch, depth: 1, present: true, zero: false, data: true, offset: own(base, 2) },
        { start: 3 * CLUSTER, ...stretch, depth: 1, present: false, zero: true, data: false },
      ];
      const text = readFileSync(at('map.json'), 'utf8');
      assert.deepEqual(JSON.parse(text), expected);
      assert.match(text, /^\[\{ "start": 0, "length": 65536, "depth": 0, "present": true, .*\},\n\{ "start": 65536, /);
      assert.equal(entries, expected.length);
      assert.deepEqual(readdirSync(folder).sort(), ['base', 'map.json', 'top']);
    });

    it('writes it as it is from where the disk is looked at', async () => {
      pair();
      open('top', { standpoint: { depth: 1, view: '' } });
      await server.exportMap(at('map.json'), 'json');
      const map = await withSession(at('base'), undefined, ({ session }) => mapEntries(session));
      assert.deepEqual(JSON.parse(readFileSync(at('map.json'), 'utf8')), map);
    });

    it('writes CSV with the files’ names, a row for every entry', async () => {
      pair();
      open('top');
      const { entries } = (await server.exportMap(at('map.csv'), 'csv')) ?? assert.fail();
      const [head, ...rows] = readFileSync(at('map.csv'), 'utf8').trimEnd().split('\n');
      assert.equal(head, 'start,length,depth,file,present,zero,data,compressed,offset,unknown');
      assert.equal(rows.length, entries);
      assert(rows[0]?.startsWith(`0,${CLUSTER},0,"${at('top')}",true,false,true,false,`), rows[0]);
      assert.equal(rows[1], `${CLUSTER},${CLUSTER},0,"${at('top')}",true,true,false,false,,false`);
      assert(rows[2]?.startsWith(`${2 * CLUSTER},${CLUSTER},1,"${at('base')}",true,false,true,false,`), rows[2]);
    });

    it('goes on while the disk is looked at from elsewhere', async () => {
      pair();
      open('top');
      const done = server.exportMap(at('map.json'), 'json');
      server.look({ depth: 1, view: '' });
      await done;
      const map = await withSession(at('top'), undefined, ({ session }) => mapEntries(session));
      assert.deepEqual(JSON.parse(readFileSync(at('map.json'), 'utf8')), map);
    });

    it('into a folder that is not there fails, and leaves nothing open', async () => {
      pair();
      open('top');
      await complete();
      await assert.rejects(server.exportMap(at('gone/map.json'), 'json'), { code: 'io', file: at('gone/map.json') });
      assert.deepEqual(readdirSync(folder).sort(), ['base', 'top']);
      if (process.platform !== 'linux') return;
      assert.equal([...openDescriptors().values()].filter((path) => path.startsWith(folder)).length, 2);
    });

    it('that is cancelled while it writes leaves no file, and what had the name stays', async () => {
      large('large');
      writeFileSync(at('map.json'), 'old');
      open('large');
      await complete();
      let writing = false;
      onEvent = (event) => {
        if (event.name !== 'working' || writing) return;
        writing = readdirSync(folder).length > 2;
        if (writing) server.cancel('exportMap');
      };
      assert.deepEqual(await server.exportMap(at('map.json'), 'json'), null);
      assert(writing, 'it was cancelled before it wrote anything');
      assert.deepEqual(readdirSync(folder).sort(), ['large', 'map.json']);
      assert.equal(readFileSync(at('map.json'), 'utf8'), 'old');
      onEvent = undefined;
    });

    it('that is cancelled before it began leaves no file', async () => {
      pair();
      open('top');
      const done = server.exportMap(at('map.json'), 'json');
      server.cancel('exportMap');
      assert.deepEqual(await done, null);
      assert(!existsSync(at('map.json')));
      assert.deepEqual(readdirSync(folder).sort(), ['base', 'top']);
    });
  });

  it('tells what the platform calls each layer, from the first answer on', async () => {
    const { current } = makeLibvirt(folder);
    const opened = server.open(params(current));
    assert(opened.kind === 'image');
    const labels = ({ layers }: ImageSummary): unknown => layers.map(({ label, story }) => [label, story?.vm]);
    const expected = [
      ['current', 'web01'],
      ['after-upgrade', 'web01'],
      ['before-upgrade', 'web01'],
    ];
    assert.deepEqual(labels(opened.summary), expected);
    assert.deepEqual(labels(await complete()), expected);
  });
});
