import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskError } from '../../../src/core/errors';
import type { LayerAccount } from '../../../src/core/model';
import { imageNames } from '../../../src/extension/tree/candidates';
import { nodeLabel } from '../../../src/extension/tree/present';
import { Survey } from '../../../src/extension/tree/survey';
import type { SurveyWorker } from '../../../src/extension/tree/survey';
import type { SurveyedImage, UnusableImage } from '../../../src/protocol/image';
import { makeTempFolder, removeFolder } from '../../support/temp';
import { image, orphan, overlay } from './images';

const ACCOUNT: LayerAccount = { owned: 1024, ownedData: 1024, ownedZero: 0, ownedCompressed: 0, shadowed: 0 };

/** A worker that knows some images by path, ends at others, and counts what it is asked. */
class FakeWorkers {
  readonly images = new Map<string, SurveyedImage>();
  readonly unusable = new Map<string, UnusableImage>();
  readonly deadly = new Set<string>();
  readonly surveyed: string[] = [];
  readonly accounted: string[] = [];
  /** What every chain owns, instead of the leaf alone. */
  owned: { path: string; account: LayerAccount }[] | undefined;
  alive = 0;

  create(): SurveyWorker {
    this.alive += 1;
    let dead = false;
    const answers = {
      survey: ({ paths }: { paths: readonly string[] }) => {
        this.surveyed.push(...paths);
        dead ||= paths.some((path) => this.deadly.has(path));
        if (dead) throw new Error('the worker ended');
        return {
          images: paths.flatMap((path) => this.images.get(path) ?? []),
          unusable: paths.flatMap((path) => this.unusable.get(path) ?? []),
        };
      },
      account: ({ path }: { path: string }) => {
        this.accounted.push(path);
        if (!this.images.has(path)) throw new DiskError('not-found', 'no such file');
        return this.owned ?? [{ path, account: ACCOUNT }];
      },
    };
    return {
      call: (async (name: keyof typeof answers, params: never) => {
        await Promise.resolve();
        return answers[name](params);
      }),
      dispose: () => {
        dead = true;
        this.alive -= 1;
      },
    };
  }
}

describe('the survey of a workspace', () => {
  let folder: string;
  let workers: FakeWorkers;
  let survey: Survey;
  let maxFiles: number;
  let fails: boolean;
  let extra: string[];
  let exclude: string[];

  const at = (name: string): string => join(folder, name);
  const file = (name: string): string => {
    mkdirSync(join(at(name), '..'), { recursive: true });
    writeFileSync(at(name), '');
    return at(name);
  };
  const roots = (): string[] => survey.families.map(nodeLabel);

  beforeEach(() => {
    folder = makeTempFolder('survey');
    workers = new FakeWorkers();
    maxFiles = 1000;
    fails = false;
    extra = [];
    exclude = [];
    survey = new Survey({
      createWorker: () => workers.create(),
      folders: () => {
        if (fails) throw new Error('no folders');
        return [folder];
      },
      extra: () => extra,
      isImage: imageNames(['*.qcow2']),
      exclude: () => exclude,
      maxFiles: () => maxFiles,
      policy: () => ({ allowed: [], platformTools: false }),
      log: () => undefined,
      changed: () => undefined,
    });
  });
  afterEach(() => {
    removeFolder(folder);
  });

  function has(name: string, parent?: string): string {
    const path = file(name);
    workers.images.set(path, parent === undefined ? image(path) : overlay(path, parent));
    return path;
  }

  it('finds images, measures their leaves, and leaves no worker behind', async () => {
    const base = has('base.qcow2');
    const top = has('sub/top.qcow2', base);
    file('not-an-image');
    await survey.refresh();
    assert.deepEqual(roots(), ['base.qcow2']);
    assert.deepEqual(workers.accounted, [top]);
    assert.equal(workers.alive, 0);
    assert.equal(survey.complete, true);
    assert.equal(survey.state, 'idle');
  });

  it('reads oddly named files only where an image lies beside them', async () => {
    has('vm/web01.img');
    const odd = has('vm/web01.before-upgrade', at('vm/web01.img'));
    const alone = has('else/where.odd');
    await survey.refresh();
    assert.ok(workers.surveyed.includes(odd));
    assert.ok(!workers.surveyed.includes(alone));
    assert.deepEqual(survey.families[0]?.children.map(nodeLabel), ['web01.before-upgrade']);
  });

  it('asks about parents that lie elsewhere, and theirs', async () => {
    const far = '/far/base.qcow2';
    const mid = '/far/mid.qcow2';
    workers.images.set(far, image(far));
    workers.images.set(mid, overlay(mid, far));
    has('top.qcow2', mid);
    await survey.refresh();
    assert.deepEqual(roots(), ['base.qcow2']);
  });

  it('knows an image by the name that a chain reaches it by', async () => {
    const base = has('base.qcow2');
    const reached = at('link/base.qcow2');
    const top = file('top.qcow2');
    workers.images.set(top, image(top, { parent: { kind: 'found', id: base, path: reached } }));
    workers.owned = [{ path: top, account: ACCOUNT }, { path: reached, account: ACCOUNT }];
    await survey.refresh();
    assert.equal(survey.idOf(reached), base);
    const [root] = survey.families;
    assert.deepEqual(root?.kind === 'image' && root.image.accounts, { [top]: ACCOUNT });
  });

  it('lists what is open in an editor wherever it lies', async () => {
    workers.images.set('/far/open.qcow2', image('/far/open.qcow2'));
    extra = ['/far/open.qcow2'];
    await survey.refresh();
    assert.deepEqual(roots(), ['open.qcow2']);
  });

  it('stops at the limit and says so', async () => {
    for (let i = 0; i < 200; i += 1) has(`disk${i}.qcow2`);
    maxFiles = 150;
    await survey.refresh();
    assert.equal(survey.limited, true);
    assert.equal(workers.surveyed.length, 150);
    assert.equal(survey.families.length, 150);
  });

  it('loses only the file that ends its worker', async () => {
    has('a.qcow2');
    workers.deadly.add(file('b.qcow2'));
    has('c.qcow2');
    await survey.refresh();
    assert.deepEqual(roots(), ['a.qcow2', 'c.qcow2']);
    assert.equal(workers.alive, 0);
  });

  it('shows damaged images, and files of an image’s name that can’t be read, but nothing else that fails', async () => {
    const fails = (name: string, code: 'io' | 'corrupt', format?: string): void => {
      const path = file(name);
      workers.unusable.set(path, { path, format, error: { code, message: 'no' } });
    };
    fails('damaged', 'corrupt', 'qcow2');
    fails('locked.qcow2', 'io');
    fails('whatever', 'io');
    await survey.refresh();
    assert.deepEqual(roots(), ['damaged', 'locked.qcow2']);
  });

  it('keeps what it knows while it looks again, and then forgets what is gone', async () => {
    const gone = has('gone.qcow2');
    has('stays.qcow2');
    await survey.refresh();
    workers.images.delete(gone);
    const again = survey.refresh();
    assert.deepEqual(roots(), ['gone.qcow2', 'stays.qcow2']);
    await again;
    assert.deepEqual(roots(), ['stays.qcow2']);
  });

  it('looks at single files that changed, and measures again only what they touch', async () => {
    const one = has('one.qcow2');
    has('two.qcow2');
    await survey.refresh();
    workers.images.set(one, image(one, { modified: 5 }));
    workers.surveyed.length = 0;
    workers.accounted.length = 0;
    const fresh = has('three.qcow2');
    await survey.update([one, fresh]);
    assert.deepEqual(workers.surveyed.sort(), [one, fresh].sort());
    assert.deepEqual(workers.accounted.sort(), [one, fresh].sort());
    assert.equal(survey.families.length, 3);
    workers.images.delete(one);
    await survey.update([one]);
    assert.deepEqual(roots(), ['three.qcow2', 'two.qcow2']);
  });

  it('looks at single files no further than it would look through the workspace', async () => {
    exclude = ['**/hidden'];
    const listed = has('vm/listed.qcow2');
    await survey.refresh();
    workers.surveyed.length = 0;
    const hidden = has('hidden/a.qcow2');
    const far = '/far/b.qcow2';
    workers.images.set(far, image(far));
    const alone = has('else/where.odd');
    const beside = has('vm/listed.before-upgrade');
    await survey.update([hidden, far, alone, beside, listed, file('notes.txt')]);
    assert.deepEqual(workers.surveyed.sort(), [beside, listed].sort());
    extra = [far];
    await survey.update([far]);
    assert.ok(survey.find(far));
  });

  it('keeps to the limit when files come one by one, and counts none twice', async () => {
    has('a.qcow2');
    maxFiles = 2;
    await survey.refresh();
    const b = file('b');
    for (let i = 0; i < 3; i += 1) await survey.update([b]);
    assert.deepEqual([survey.looked, survey.limited], [2, false]);
    const c = has('c.qcow2');
    await survey.update([c]);
    assert.deepEqual([survey.looked, survey.limited, survey.find(c)], [2, true, undefined]);
  });

  it('finds nodes by any name of theirs', async () => {
    const base = has('base.qcow2');
    const top = has('top.qcow2', base);
    const gone = at('gone.qcow2');
    const orphaned = file('orphan.qcow2');
    workers.images.set(orphaned, orphan(orphaned, gone));
    await survey.refresh();
    assert.equal(survey.find(top)?.kind, 'image');
    assert.equal(survey.find(gone)?.kind, 'broken');
    assert.equal(survey.find(at('nothing.qcow2')), undefined);
  });

  it('waits for a file that is asked for until the run comes upon it', async () => {
    const path = has('a.qcow2');
    assert.equal((await survey.seek(path))?.kind, 'image');
    assert.equal(await survey.seek(at('none.qcow2')), undefined);
  });

  it('gives up waiting for a file when the run is stopped', async () => {
    has('a.qcow2');
    const sought = survey.seek(at('none.qcow2'));
    survey.stop();
    assert.equal(await sought, undefined);
    assert.equal(survey.complete, false);
  });

  it('gives up waiting for a file when the run fails', async () => {
    fails = true;
    assert.equal(await survey.seek(at('none.qcow2')), undefined);
    assert.equal(survey.state, 'idle');
  });

  it('stops when told, keeping what was found', async () => {
    has('a.qcow2');
    await survey.refresh();
    const running = survey.refresh();
    survey.stop();
    await running;
    assert.equal(survey.state, 'idle');
    assert.equal(workers.alive, 0);
    assert.deepEqual(roots(), ['a.qcow2']);
  });

  it('lets a later refresh win over an earlier one', async () => {
    has('a.qcow2');
    const first = survey.refresh();
    const second = survey.refresh();
    await Promise.all([first, second]);
    assert.deepEqual(roots(), ['a.qcow2']);
    assert.equal(survey.complete, true);
    assert.equal(survey.state, 'idle');
    assert.equal(workers.alive, 0);
  });
});
