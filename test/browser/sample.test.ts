import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Frame, Locator } from 'playwright-core';
import { Editor } from './editor';
import { becomes, until } from './eventually';
import { Session } from './harness';
import { compareCells, isNear, placeOf, readCells, readColumns, readGrid, themeColors } from './painted';
import type { Comparison, Grid, ThemeColors } from './painted';
import { readSize, tells } from './text';
import { ImageTruth } from './truth';
import type { ChainNumbers } from './truth';

const NAMES = ['Current', 'before-upgrade', 'after-install', 'Base'];

describe('the sample', () => {
  let session: Session;
  let editor: Editor;
  let truth: ImageTruth;
  let colors: ThemeColors;
  let grid: Grid;

  before(async () => {
    session = await Session.start();
    truth = new ImageTruth(session.folder, 'web01.qcow2');
    editor = await Editor.open(session, 'web01.qcow2');
    colors = await themeColors(editor, 'dark');
    grid = await readGrid(editor, colors);
  });

  after(async () => {
    await session.close();
  });

  /** The middle of the cell at an offset, while the whole disk is on the map. */
  const at = (offset: number): { x: number; y: number } => placeOf(grid, Math.floor(offset / grid.cellBytes));

  /** The first cell of the whole disk that holds one thing only. */
  const cellOf = (owner: number | undefined, kind: string): number => {
    for (let start = 0; start < truth.chain.guestSize; start += grid.cellBytes) {
      const [part, ...others] = truth.parts(start, start + grid.cellBytes);
      if (part?.owner === owner && part?.kind === kind && others.length === 0) return start;
    }
    return assert.fail(`no cell is ${kind} of ${owner}`);
  };

  const isPainted = async (expected: ImageTruth, shades = colors): Promise<Comparison> => {
    await editor.deselect();
    return until('every block has the look of its owner', async () =>
      compareCells(editor, expected, shades, await readGrid(editor, shades)), ({ wrong }) => wrong.length === 0);
  };

  it('stacks its layers, newest on top, with the rule of reading between them', async () => {
    const cards = await editor.cards();
    assert.deepEqual(cards.map(({ name }) => name), NAMES);
    assert.deepEqual(cards.map(({ format }) => format), ['qcow2', 'qcow2', 'qcow2', 'raw']);
    assert.deepEqual(cards.map(({ file }) => file), truth.chain.layers.map(({ filename }) => filename));
    assert.equal(await editor.frame.locator('.cards').getByText('not here? look below').count(), NAMES.length - 1);
    const tops = await editor.frame.locator('.card').evaluateAll((all) =>
      all.map((card) => card.getBoundingClientRect().top));
    assert.deepEqual(tops, [...tops].sort((one, other) => one - other));
  });

  it('says on each card what its layer owns and what is hidden, with bars to one scale', async () => {
    const scale = Math.max(...truth.chain.layers.map(({ owned, shadowed }) => owned + shadowed));
    for (const [depth, name] of NAMES.entries()) {
      const layer = truth.chain.layers[depth] ?? assert.fail();
      const card = editor.card(name);
      const said = await card.locator('.numbers').first().innerText();
      assert.match(said, /^owns /);
      assert.ok(tells(/owns (\S+ \S+)/.exec(said)?.[1] ?? '', layer.owned), `${said}: ${layer.owned}`);
      const host = await card.locator('.card-host').innerText();
      assert.ok(tells(/^(\S+ \S+) on the host/.exec(host)?.[1] ?? '', layer.diskUsage), `${host}: ${layer.diskUsage}`);
      if (layer.shadowed > 0) assert.ok(tells(/(\S+ \S+) hidden/.exec(said)?.[1] ?? '', layer.shadowed), said);
      for (const [part, bytes] of [['owned', layer.owned], ['hidden', layer.shadowed]] as const) {
        const share = await card.locator(`.bar-${part}`).evaluate((bar) =>
          bar.getBoundingClientRect().width / (bar.parentElement?.clientWidth ?? NaN));
        assert.ok(Math.abs(share - bytes / scale) < 0.01, `${name}: ${part} is ${share}, not ${bytes / scale}`);
      }
    }
  });

  it('paints every block of the map in the colour and pattern of its owner', async () => {
    const { compared } = await isPainted(truth);
    const all = Object.values(compared).reduce((sum, count) => sum + count, 0);
    assert.equal(all, truth.chain.guestSize / grid.cellBytes);
    const looks = [
      'data of layer 0', 'data of layer 3', 'zero of layer 1', 'compressed of layer 2', 'nobody', 'mixed',
    ];
    assert.deepEqual(looks.filter((look) => !compared[look]), [], 'these were not on the map');
  });

  it('paints the overview from the same facts', async () => {
    const { guestSize } = truth.chain;
    const columns = await readColumns(editor.overview);
    const seen = new Set<string>();
    columns.forEach((column, x) => {
      const [from = 0, to = 0] = [x - 2, x + 3].map((edge) => (edge / columns.length) * guestSize);
      const [part, ...others] = truth.parts(Math.max(0, from), Math.min(guestSize, to));
      if (!part || others.length > 0 || part.kind === 'zero') return;
      const color = part.owner === undefined ? colors.nobody : (colors.layers[part.owner] ?? '');
      assert.ok(column.every((pixel) => isNear(pixel, color)), `column ${x}: ${column.join(' ')}, not ${color}`);
      seen.add(part.owner === undefined ? 'nobody' : `layer ${part.owner}`);
    });
    for (const who of ['nobody', 'layer 0']) assert.ok(seen.has(who), `${who} fills no part of the strip`);
  });

  it('tells of a block that is clicked: owner, walk, place in the file, bytes', async () => {
    const offset = cellOf(3, 'data');
    await editor.click(at(offset));
    await becomes(() => editor.selected(), offset);
    const block = await editor.block();
    assert.equal(block['Owner'], 'Base');
    assert.equal(block['Kind'], 'data');
    assert.equal(block['Sector'], (offset / 512).toLocaleString('en-US'));
    assert.equal(Number(block['In file at']?.replaceAll('_', '')), offset, 'a raw file has each byte at its place');
    assert.equal(block['File'], 'web01.img');
    assert.deepEqual(await editor.walk(), [
      'Current: not here', 'before-upgrade: not here', 'after-install: not here', 'Base: data',
    ]);
    assert.deepEqual(Buffer.from(await editor.bytes()), Buffer.from(truth.fileBytes(offset, 64)));
    const dump = editor.frame.locator('.inspector .dump');
    const fits = await dump.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth);
    assert.ok(fits, 'all of it is in sight');
    await editor.button('more bytes').click();
    await becomes(async () => (await editor.bytes()).length, 256);
    assert.deepEqual(Buffer.from(await editor.bytes()), Buffer.from(truth.fileBytes(offset, 256)));
  });

  it('copies a value, the block, and its bytes', async () => {
    const { page } = session;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const offset = (await editor.selected()) ?? NaN;
    const bytes = Buffer.from(truth.fileBytes(offset, 256)).toString('hex');
    const holds = async (what: string, isRight: (text: string) => boolean): Promise<void> => {
      await until(what, () => page.evaluate(() => navigator.clipboard.readText()), isRight);
    };
    const about = editor.frame.locator('.inspector');
    await about.getByRole('button', { name: 'Copy guest offset' }).click();
    await holds('the offset', (text) => Number(text.replaceAll('_', '')) === offset);
    await about.getByRole('button', { name: 'copy', exact: true }).first().click();
    await holds('the walk', (text) =>
      NAMES.every((name) => text.includes(name)) && text.includes('How a read gets there'));
    await about.getByRole('button', { name: 'copy JSON' }).click();
    await holds('the walk as data', (text) =>
      text.startsWith('{') && (JSON.parse(text) as { readonly offset?: number }).offset === offset);
    await about.getByTitle('Copy these bytes as a hex dump').click();
    await holds('the bytes', (text) => text.split('\n')
      .map((line) => line.slice(10, 57).replaceAll(' ', '')).join('') === bytes);
  });

  it('tells of the newest layer what it hides', async () => {
    const selected = cellOf(0, 'data');
    await editor.click(at(selected));
    await becomes(() => editor.selected(), selected);
    assert.equal((await editor.block())['Owner'], 'Current');
    const walk = await editor.walk();
    assert.equal(walk[0], 'Current: data');
    assert.equal(walk.length, NAMES.length);
    assert.ok(walk.slice(1).every((step) => /hidden|not here either/.test(step)), walk.join('\n'));
    assert.deepEqual(Buffer.from(await editor.bytes()), Buffer.from(truth.fileBytes(selected, 64)));
    assert.match(await editor.frame.locator('.write').innerText(), /changes Current in place/);
  });

  it('splits a cell of several owners up, and goes to each of them', async () => {
    const start = 0;
    const parts = truth.parts(start, start + grid.cellBytes);
    assert.ok(parts.length > 1, 'the first cell is mixed');
    await editor.click(at(start));
    const rows = editor.frame.locator('.parts .part');
    await rows.first().waitFor();
    const base = parts
      .filter(({ owner, kind }) => owner === 3 && kind === 'zero')
      .reduce((sum, { bytes }) => sum + bytes, 0);
    const row = rows.filter({ hasText: 'Base, zero' });
    assert.equal(await row.locator('.part-share').innerText(), `${Math.round((base / grid.cellBytes) * 100)}%`);
    await row.click();
    const first = truth.map.find((entry) => entry.start >= start && entry.depth === 3 && entry.zero);
    await becomes(() => editor.selected(), first?.start);
    assert.equal((await editor.block())['Owner'], 'Base');
  });

  it('has the same numbers in its table', async () => {
    await editor.button('Table').click();
    await editor.frame.locator('.table-view:not(.sr-only)').waitFor();
    const table = editor.frame.getByRole('table');
    const names = await table.locator('tbody th button').allTextContents();
    assert.deepEqual(names, NAMES);
    for (const [depth, layer] of truth.chain.layers.entries()) {
      const row = table.locator('tbody tr').nth(depth);
      const { owned: owns, ownedZero: zero, ownedCompressed: compressed, shadowed: hidden } = layer;
      const numbers = { owns, zero, compressed, hidden };
      for (const [column, bytes] of Object.entries(numbers)) {
        const text = await row.locator(`td.${column}`).innerText();
        assert.ok(tells(text, bytes), `${NAMES[depth]} ${column}: ${text}, not ${bytes}`);
      }
    }
    const sums = await table.locator('tfoot tr').evaluateAll((rows) => rows.map((row) =>
      [...row.children].slice(0, 2).map((cell) => cell.textContent)));
    const sum = (name: RegExp): number => readSize(sums.find(([label]) => name.test(label ?? ''))?.[1] ?? '');
    assert.ok(Math.abs(sum(/^nobody/) / truth.chain.nobody - 1) < 0.005, JSON.stringify(sums));
    assert.equal(sum(/^whole disk/), truth.chain.guestSize);
    await editor.button('Table').click();
    await editor.map.waitFor();
  });

  it('lets everything but a picked layer fade', async () => {
    const others = [[0, 'data'], [3, 'data'], [0, 'compressed'], [1, 'zero']] as const;
    const look = async (owner: number, kind: string) => {
      const [cell] = await readCells(editor.map, [at(cellOf(owner, kind))], colors.background);
      return cell ?? assert.fail();
    };
    await isPainted(truth);
    const full = await look(2, 'compressed');
    await editor.picker('after-install').click();
    await becomes(() => editor.isPicked('after-install'), true);
    await editor.pointAway();
    await until('the others fade', () => Promise.all(others.map(([owner, kind]) => look(owner, kind))), (cells) =>
      cells.every((cell, index) => {
        const color = colors.layers[others[index]?.[0] ?? 0] ?? '';
        const shown = Object.keys(cell.colors);
        return shown.every((each) => !isNear(each, color)) && shown.some((each) => !isNear(each, colors.nobody));
      }));
    assert.deepEqual((await look(2, 'compressed')).colors, full.colors);
    await editor.picker('after-install').click();
    await isPainted(truth);
  });

  describe('as of another state', () => {
    /** What the cards of a standpoint and older have to say. */
    const numbersAre = async (first: number, chain: ChainNumbers): Promise<void> => {
      const isTold = (owns: string, depth: number): boolean => {
        if (depth < first) return owns === 'newer than what you see';
        const { owned } = chain.layers[depth - first] ?? assert.fail();
        return owned === 0 ? owns === 'owns nothing' : tells(owns.replace(/^owns /, ''), owned);
      };
      await until(`the cards tell of ${NAMES[first]}`, () => editor.cards(), (cards) =>
        cards.every(({ owns }, depth) => isTold(owns, depth)));
    };
    const shadesFrom = (depth: number): ThemeColors => ({ ...colors, layers: colors.layers.slice(depth) });

    it('is the disk as an older layer saw it, from its card', async () => {
      await editor.card('before-upgrade').hover();
      await editor.card('before-upgrade').getByRole('button', { name: 'As of here' }).click();
      await becomes(() => editor.asOf(), 'before-upgrade');
      const older = new ImageTruth(session.folder, 'web01.before-upgrade.qcow2');
      await numbersAre(1, older.chain);
      await isPainted(older, shadesFrom(1));
    });

    it('is an internal snapshot, from the stack', async () => {
      await editor.frame.getByRole('button', { name: 'before-logturn' }).click();
      await becomes(() => editor.asOf(), 'before-logturn (in before-upgrade)');
      const saved = new ImageTruth(session.folder, 'web01.before-upgrade.qcow2', ['--snapshot', 'before-logturn']);
      const now = new ImageTruth(session.folder, 'web01.before-upgrade.qcow2');
      assert.notDeepEqual(saved.map, now.map, 'the snapshot is another state');
      await numbersAre(1, saved.chain);
      await isPainted(saved, shadesFrom(1));
    });

    it('is chosen in the header, and the brackets travel from state to state', async () => {
      const chooser: Locator = editor.frame.locator('#as-of');
      assert.deepEqual(await chooser.locator('option').allTextContents(),
        ['Current', 'before-upgrade', 'before-logturn (in before-upgrade)', 'after-install', 'Base']);
      await chooser.selectOption('after-install');
      await numbersAre(2, new ImageTruth(session.folder, 'web01.after-install.qcow2').chain);
      await editor.map.focus();
      for (const state of ['before-logturn (in before-upgrade)', 'before-upgrade', 'Current']) {
        await session.page.keyboard.press(']');
        await becomes(() => editor.asOf(), state);
      }
      await session.page.keyboard.press(']');
      await session.page.keyboard.press('[');
      await becomes(() => editor.asOf(), 'before-upgrade');
      await editor.card('Current').hover();
      await editor.card('Current').getByRole('button', { name: 'Back to now' }).click();
      await becomes(() => editor.asOf(), 'Current');
      await isPainted(truth);
    });
  });

  describe('in the view VM Disks', () => {
    const rows = (): Locator => session.page.locator('.pane-body .monaco-list-row');
    const row = (name: string): Locator =>
      rows().filter({ has: session.page.locator('.label-name', { hasText: new RegExp(`^${name}$`) }) });

    it('is a family that branches, beside one whose base is missing', async () => {
      await session.page.locator('.activitybar .action-label[aria-label^="VM Disks"]').click();
      await row('web01.experiment.qcow2').waitFor();
      const shown = await rows().evaluateAll((all) => all
        .sort((one, other) => Number(one.getAttribute('data-index')) - Number(other.getAttribute('data-index')))
        .map((each) => `${each.getAttribute('aria-level')} ${each.querySelector('.label-name')?.textContent}`));
      assert.deepEqual(shown, [
        '1 db01.img', '2 db01.snapshot.qcow2',
        '1 web01.img', '2 web01.after-install.qcow2', '3 web01.before-upgrade.qcow2', '4 before-logturn',
        '4 web01.experiment.qcow2', '4 web01.qcow2', '5 nightly-2025-06-22',
      ]);
      assert.match((await row('db01.img').getAttribute('aria-label')) ?? '', /missing/);
    });

    it('follows what is picked in the editor', async () => {
      await editor.deselect();
      await becomes(() => row('web01.qcow2').getAttribute('aria-selected'), 'true');
      await editor.picker('Base').click();
      await becomes(() => row('web01.img').getAttribute('aria-selected'), 'true');
      await editor.picker('Base').click();
    });

    it('opens its newest image with a click', async () => {
      await session.closeEditors();
      await row('web01.qcow2').click();
      editor = await Editor.inFront(session);
      assert.deepEqual((await editor.cards()).map(({ name }) => name), NAMES);
      await isPainted(truth);
    });

    it('opens an internal snapshot as of its moment', async () => {
      await row('before-logturn').dblclick();
      await session.page.locator('.tab.active').getByText('web01.before-upgrade.qcow2').waitFor();
      editor = await Editor.inFront(session);
      await becomes(() => editor.asOf(), 'before-logturn (in before-upgrade)');
      // Two other images stand on it: it is not what the machine is now.
      assert.equal((await editor.cards())[0]?.name, 'before-upgrade');
    });
  });

  describe('all the while', () => {
    it('needs nothing from elsewhere and reports no error', () => {
      assert.deepEqual(session.problems, []);
      assert.deepEqual([...session.foreignOrigins], []);
    });

    it('lets nothing in that is not its own', async () => {
      let asked = 0;
      const elsewhere = createServer((_request, response) => {
        asked += 1;
        response.end();
      }).listen(0, '127.0.0.1');
      try {
        await once(elsewhere, 'listening');
        const { port } = elsewhere.address() as AddressInfo;
        const tried = await intrude(editor.frame, `http://127.0.0.1:${port}`);
        assert.deepEqual(tried.refused, [
          'connect-src', 'frame-src', 'img-src', 'script-src-elem', 'script-src-elem', 'style-src-elem',
        ]);
        assert.deepEqual([tried.ran, tried.hidden, asked], [false, false, 0]);
      } finally {
        elsewhere.close();
      }
    });
  });
});

/** Tries what an attacker would, and tells by which rule of the page's policy each was refused. */
async function intrude(frame: Frame, url: string): Promise<{ refused: string[]; ran: boolean; hidden: boolean }> {
  const ATTEMPTS = 6;
  return frame.evaluate(async ({ url, attempts }) => {
    const refused: string[] = [];
    const all = new Promise<void>((resolve) => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
        if (refused.push(effectiveDirective) === attempts) resolve();
      });
      setTimeout(resolve, 5000);
    });
    const add = (tag: string, properties: object): void => {
      document.body.append(Object.assign(document.createElement(tag), properties));
    };
    add('script', { textContent: 'window.intruder = true' });
    add('script', { src: `${url}/script.js` });
    add('style', { textContent: 'body { display: none }' });
    add('img', { src: `${url}/picture.png` });
    add('iframe', { src: url });
    await fetch(url).catch(() => undefined);
    await all;
    const hidden = getComputedStyle(document.body).display === 'none';
    return { refused: refused.sort(), ran: 'intruder' in window, hidden };
  }, { url, attempts: ATTEMPTS });
}
