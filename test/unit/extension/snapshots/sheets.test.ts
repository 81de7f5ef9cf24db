import assert from 'node:assert/strict';
import type { DeletePlan, Diagnosis, Remedy } from '../../../../src/core';
import { commandsText, deletedSheet, planSheet } from '../../../../src/extension/snapshots/deleteSheet';
import type { PlanActions } from '../../../../src/extension/snapshots/deleteSheet';
import { diagnosisSheet, verdict } from '../../../../src/extension/snapshots/diagnosisSheet';
import { sheetBody } from '../../../../src/extension/snapshots/sheetHtml';
import type { Button, SheetText } from '../../../../src/extension/snapshots/sheetHtml';

const MIB = 2 ** 20;
const TOOL = { path: '/usr/bin/qemu-img', version: '10.0.2' };

const PLAN: DeletePlan = {
  image: '/vm/web.mid.qcow2',
  parent: '/vm/web.img',
  direction: 'pull',
  moves: [
    { into: '/vm/web.qcow2', bytes: 2 * MIB, growth: 3 * MIB },
    { into: '/vm/test.qcow2', bytes: MIB, growth: MIB },
  ],
  bytesToMove: 3 * MIB,
  exact: true,
  space: [{ folder: '/vm', needed: 4 * MIB, free: 1024 * MIB }],
  freed: 0,
  why: ['two images read the same bytes of it, which each gets a copy of'],
  standing: [
    { path: '/vm/web.qcow2', distance: 1, effect: 'rebased' },
    { path: '/vm/top.qcow2', distance: 2, effect: 'unchanged' },
  ],
  leaves: ['/vm/web.qcow2'],
  steps: [
    {
      kind: 'qemu-img',
      command: { args: ['rebase', '-b', 'web.img', '/vm/web.qcow2'], what: 'copies into /vm/web.qcow2 what it reads' },
    },
    { kind: 'verify', check: 'leaves', what: 'every leaf reads as before\nrm -rf /' },
    { kind: 'remove', path: '/vm/web.mid.qcow2' },
  ] as DeletePlan['steps'],
  refusals: [],
  cautions: [
    ...['web.qcow2', 'web.img'].map((name) => ({
      code: 'changed-lately',
      severity: 'warning' as const,
      message: `/vm/${name} changed 5 seconds ago`,
      advice: 'Look.',
    })),
    { code: 'folders-looked-at', severity: 'info', message: 'images were looked for in /vm' },
  ],
};

const done: string[] = [];
const note = (what: string) => (text?: unknown) => done.push(typeof text === 'string' ? `${what} ${text}` : what);
const ACTIONS: PlanActions = {
  run: note('run'),
  turn: note('turn'),
  again: note('again'),
  copy: note('copy'),
  openSetting: note('setting'),
};

/** A page as text: words a line each, and the buttons that it has. */
function read(sheet: SheetText): { readonly lines: readonly string[]; readonly buttons: ReadonlyMap<string, Button> } {
  const buttons = new Map<string, Button>();
  const html = sheetBody(sheet, (button) => {
    buttons.set(button.text, button);
    return '#';
  });
  const lines = html
    .replace(/<[^>]+>/g, '\n')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return { lines, buttons };
}

describe('the page about a newest layer that goes', () => {
  it('names what the VM has to use then, before and after', () => {
    const plan: DeletePlan = { ...PLAN, image: '/vm/web.qcow2', direction: 'commit', standing: [] };
    const told = read(planSheet(plan, TOOL, undefined, ACTIONS)).lines.join(' ');
    assert.match(told, /The VM has to use web\.img from then on/);
    assert.doesNotMatch(told, /No VM sees a difference/);
    const deleted = {
      image: plan.image,
      direction: 'commit',
      freed: 0,
      verified: ['/vm/web.img'],
      heir: '/vm/web.img',
    } as const;
    assert.match(read(deletedSheet(deleted, () => undefined)).lines.join(' '), /web\.img reads as web\.qcow2 did/);
  });
});

describe('the page of a plan', () => {
  const { lines, buttons } = read(planSheet(PLAN, TOOL, 'commit', ACTIONS));

  it('has the figures, and where each goes', () => {
    const after = (label: string): string[] => lines.slice(lines.indexOf(label) + 1, lines.indexOf(label) + 3);
    assert.deepEqual(after('To move'), [
      '3 MiB',
      '2 MiB into web.qcow2, which grows by 3 MiB; 1 MiB into test.qcow2, which grows by 1 MiB',
    ]);
    assert.deepEqual(after('Needed while it runs'), ['4 MiB', 'of 1 GiB free in /vm']);
    assert.equal(after('Freed in the end')[0], 'nothing');
    assert.ok(lines.includes('Why it frees nothing'));
  });

  it('says who stands on it, and what becomes of that', () => {
    assert.ok(lines.includes('web.qcow2: is told its new parent; reads as before'));
    assert.ok(lines.includes('top.qcow2, 1 layer above: is not changed; reads as before'));
  });

  it('tells one caution about several files once', () => {
    assert.equal(lines.filter((line) => line === 'Look.').length, 1);
    assert.ok(lines.includes('web.qcow2 changed 5 seconds ago.') && lines.includes('web.img changed 5 seconds ago.'));
  });

  it('shows each command as it can be run', () => {
    assert.ok(lines.includes('qemu-img rebase -b web.img /vm/web.qcow2'));
  });

  it('has buttons for it, for the other way, and for who does it by hand', () => {
    done.length = 0;
    for (const text of ['Delete web.mid.qcow2', 'Move It Down Instead…', 'Copy Commands']) buttons.get(text)?.act();
    assert.deepEqual(done, ['run', 'turn', `copy ${commandsText(PLAN)}`]);
  });

  it('copies nothing that a terminal would run beside the commands', () => {
    assert.deepEqual(commandsText(PLAN).split('\n'), [
      'qemu-img rebase -b web.img /vm/web.qcow2',
      '# verify: every leaf reads as before?rm -rf /',
      '# then remove /vm/web.mid.qcow2',
      '',
    ]);
  });

  it('is still there without qemu-img, which it then says how to get', () => {
    const { lines: told, buttons: offered } = read(
      planSheet(PLAN, { why: 'qemu-img is not on PATH' }, undefined, ACTIONS),
    );
    assert.ok(told.includes('qemu-img is not on PATH'));
    assert.deepEqual([...offered.keys()].slice(0, 2), ['Open Setting', 'Copy Commands']);
    assert.ok(!offered.has('Delete web.mid.qcow2'));
  });

  it('gives the reasons where it is refused, and nothing to press that would do it', () => {
    const refusals = [
      {
        code: 'in-use',
        severity: 'error' as const,
        message: '/vm/web.qcow2 is open for writing',
        advice: 'Shut it down.',
      },
    ];
    const { lines: told, buttons: offered } = read(
      planSheet({ ...PLAN, direction: undefined, refusals }, TOOL, undefined, ACTIONS),
    );
    assert.equal(told[0], 'web.mid.qcow2 can’t be deleted');
    assert.ok(told.includes('/vm/web.qcow2 is open for writing.') && told.includes('Shut it down.'));
    assert.deepEqual([...offered.keys()], ['Plan Again']);
  });

  it('counts figures that are not known as the most and the least that they can be', () => {
    const { lines: told } = read(planSheet({ ...PLAN, exact: false, freed: MIB }, TOOL, undefined, ACTIONS));
    assert.ok(told.includes('at most 3 MiB') && told.includes('at least 1 MiB'));
  });

  it('tells what was measured in the end', () => {
    const { lines: told } = read(
      deletedSheet({ image: '/vm/a', direction: 'pull', freed: -MIB, verified: ['/vm/b'] }, () => undefined),
    );
    assert.deepEqual(told.slice(2, 6), ['Taken on the host', '1 MiB', 'Verified', '1 image']);
  });
});

describe('a page', () => {
  it('makes no markup of what an image says, and hides nothing of it', () => {
    const html = sheetBody(
      { title: '<img src=x onerror=alert(1)>', blocks: [{ kind: 'text', text: 'a\u202eb "c" & <d>' }] },
      () => '#',
    );
    assert.ok(!html.includes('<img') && !html.includes('<d>') && !html.includes('\u202e'));
    assert.ok(html.includes('a\\u{202e}b &quot;c&quot; &amp; &lt;d&gt;'));
  });
});

describe('the page of a diagnosis', () => {
  const relocate: Remedy = { kind: 'relocate', image: '/vm/a', parent: '/vm/b', parentFormat: 'raw' };
  const found: Diagnosis[] = [
    {
      code: 'parent-missing',
      severity: 'error',
      path: '/vm/a',
      message: 'the parent is not there',
      meaning: 'a VM can’t start from it',
      certainty: 'certain',
      offset: 0x1_0000,
      remedies: [
        { title: 'Take b', remedy: relocate, command: 'vmdisk snapshot relocate /vm/a --parent /vm/b' },
        { title: 'Ask whoever moved it', remedy: { kind: 'none' } },
      ],
    },
    {
      code: 'left-over',
      severity: 'info',
      path: '/vm/.a.tmp',
      message: 'left over',
      meaning: 'takes room',
      certainty: 'likely',
      remedies: [],
    },
  ];
  const mended: Remedy[] = [];
  const { lines, buttons } = read(
    diagnosisSheet('Diagnosis of a', found, {
      mend: (remedy) => mended.push(remedy),
      open: () => undefined,
      copy: () => undefined,
      again: () => undefined,
    }),
  );

  it('sums up', () => {
    assert.equal(lines[1], '1 error, 1 note in 2 files.');
    assert.equal(verdict([], 0), 'No problem was found, and nothing is left over.');
  });

  it('has for each its meaning, how sure that is, where it is, and what mends it', () => {
    for (const text of [
      'The parent is not there.',
      'certain',
      'A VM can’t start from it.',
      'At byte 0x1_0000 of the file.',
      'Ask whoever moved it.',
      'vmdisk snapshot relocate /vm/a --parent /vm/b',
      'likely',
    ]) {
      assert.ok(lines.includes(text), `${text} in ${lines.join(' | ')}`);
    }
    buttons.get('Take b')?.act();
    assert.deepEqual(mended, [relocate]);
    assert.ok(!buttons.has('Ask whoever moved it'), 'what nobody can press is no button');
  });
});
