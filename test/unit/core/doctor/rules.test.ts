import assert from 'node:assert/strict';
import type { ContentFacts, Finding, ImageFacts, ParentCandidate } from '../../../../src/core';
import { diagnose, GIB, image, MINUTE, missing, NOON, on, only, told } from './facts';

const base = image('base');
const leaf = image('leaf', { parent: on('base') });
const commands = (images: readonly ImageFacts[]): (string | undefined)[] =>
  diagnose(images).flatMap(({ remedies }) => remedies.map(({ command }) => command));

describe('the doctor’s rules', () => {
  it('say nothing of a healthy family', () => {
    const mid = image('mid', { parent: on('base') });
    const twin = image('twin', { parent: on('mid') });
    assert.deepEqual(told([base, mid, image('leaf', { parent: on('mid') }), twin]), []);
  });

  it('say nothing of what they were not told', () => {
    const bare = image('base', { modified: undefined, made: undefined, use: { state: 'unknown', by: [] } });
    assert.deepEqual(
      told([bare, image('leaf', { parent: on('base', { content: undefined, recorded: undefined }) })]),
      [],
    );
  });

  describe('a missing parent', () => {
    const orphan = (facts = {}): ImageFacts => image('leaf', { parent: missing('/old/base', facts) });

    it('is an error, with the candidates best first and a choice at the end', () => {
      const candidate = (name: string, certainty: ParentCandidate['certainty']): ParentCandidate => ({
        path: `/vm/${name}`,
        format: 'raw',
        guestSize: GIB,
        certainty,
        score: 1,
        evidence: [{ speaks: 'for', what: 'the same partition table' }],
      });
      const candidates = [candidate('a b', 'certain'), candidate('c', 'possible')];
      const { code, severity, certainty, remedies } = only([orphan({ candidates })]);
      assert.deepEqual([code, severity, certainty], ['parent-missing', 'error', 'certain']);
      assert.deepEqual(
        remedies.map(({ remedy }) => remedy),
        [
          { kind: 'relocate', image: '/vm/leaf', parent: '/vm/a b', parentFormat: 'raw' },
          { kind: 'relocate', image: '/vm/leaf', parent: '/vm/c', parentFormat: 'raw' },
          { kind: 'choose-parent', image: '/vm/leaf' },
        ],
      );
      assert.match(remedies[0]?.title ?? '', /certain.*the same partition table/);
      assert.match(remedies[0]?.command ?? '', /'\/vm\/a b'/);
    });

    it('is not taken to be a file beside the image that stands on the image itself', () => {
      const beside = { path: '/vm/base', format: 'qcow2' };
      const child = image('base', { parent: on('leaf') });
      const offered = (images: readonly ImageFacts[]): boolean =>
        diagnose(images).some(({ remedies }) => remedies.some(({ remedy }) => remedy.kind === 'relocate'));
      assert.equal(offered([orphan({ beside }), child]), false);
      assert.equal(offered([orphan({ beside }), base]), true);
    });

    it('says so where the file beside the image is of another size', () => {
      const [remedy] = only([orphan({ beside: { path: '/vm/base', format: 'raw', guestSize: 2 * GIB } })]).remedies;
      assert.match(remedy?.title ?? '', /2 GiB.*1 GiB/);
    });

    it('can only be put where it was where no program names it anew: of all but qcow2', () => {
      const beside = { path: '/vm/base', format: 'vdi' };
      const { remedies } = only([{ ...orphan({ beside }), format: 'vdi' }]);
      assert.deepEqual(
        remedies.map(({ title, remedy }) => [title, remedy.kind]),
        [['Put the parent where the image looks for it', 'none']],
      );
      const candidate: ParentCandidate = {
        path: '/vm/a b',
        format: 'vdi',
        guestSize: GIB,
        certainty: 'certain',
        score: 1,
        evidence: [{ speaks: 'for', what: 'its UUID is the one that the overlay expects' }],
      };
      const [back] = only([{ ...orphan({ candidates: [candidate], path: '/old/base' }), format: 'vdi' }]).remedies;
      assert.match(back?.title ?? '', /^Put "\/vm\/a b" back at "\/old\/base" \(certain: .*; its UUID is the one/);
      assert.equal(back?.command, "mv -n -- '/vm/a b' /old/base");
      const nowhere = { ...candidate, path: '/old/b.vdi' };
      const [near] = only([{ ...orphan({ candidates: [nowhere], path: undefined }), format: 'vdi' }]).remedies;
      assert.equal(near?.command, 'mv -n -- /old/b.vdi /vm/b.vdi');
      const refused = image('leaf', {
        format: 'vdi',
        parent: missing('id', { state: 'refused', reason: 'malformed' }),
      });
      assert.deepEqual(only([refused]).remedies, []);
    });

    it('whose name is of another machine is told of as such as well', () => {
      assert.deepEqual(told([orphan({ foreign: 'windows' })]), [
        'error certain parent-missing leaf',
        'warning certain path-of-another-machine leaf',
      ]);
      assert.deepEqual(told([orphan({ foreign: 'no-such-root' })])[1], 'warning likely path-of-another-machine leaf');
    });
  });

  describe('a parent that is not opened', () => {
    const refused = (reason: 'protocol' | 'not-a-file' | 'outside' | 'unreadable' | 'malformed'): string[] =>
      told([image('leaf', { parent: missing('x', { state: 'refused', reason, message: 'no' }) })]);
    it('is an error where a VM would not start, else a warning', () => {
      assert.deepEqual(refused('protocol'), ['warning certain parent-protocol leaf']);
      assert.deepEqual(refused('outside'), ['warning certain parent-outside leaf']);
      assert.deepEqual(refused('not-a-file'), ['error certain parent-not-a-file leaf']);
      assert.deepEqual(refused('unreadable'), ['error certain parent-unreadable leaf']);
      assert.deepEqual(refused('malformed'), ['error certain parent-malformed leaf']);
    });
  });

  describe('the recorded format', () => {
    const content = (facts: Partial<ContentFacts>): ContentFacts => ({
      format: 'qcow2',
      found: 'a qcow2',
      guestSize: GIB,
      fileSize: 2 ** 20,
      namesOthers: false,
      ...facts,
    });
    const recorded = (format: string, facts: Partial<ContentFacts>): ImageFacts =>
      image('leaf', { parent: on('base', { recorded: format, content: content(facts) }) });

    it('that the bytes agree with is fine, by whatever name', () => {
      const raw = { format: 'raw', fileSize: GIB };
      for (const name of ['raw', 'file', 'host_device']) assert.deepEqual(told([base, recorded(name, raw)]), [], name);
      assert.deepEqual(told([base, recorded('qcow2', {})]), []);
    });

    it('raw over a qcow2 whose disk has the image’s size is wrong for certain', () => {
      const { code, certainty, severity, remedies } = only([base, recorded('raw', {})]);
      assert.deepEqual([code, severity, certainty], ['backing-format-wrong', 'error', 'certain']);
      assert.deepEqual(remedies[0]?.remedy, {
        kind: 'relocate',
        image: '/vm/leaf',
        parent: '/vm/base',
        parentFormat: 'qcow2',
      });
    });

    it('raw over bytes that a guest may have written is only possibly wrong', () => {
      // The file is as long as the image's disk: a raw disk, on which somebody put a qcow2 header that names a file.
      const trap = only([base, recorded('raw', { fileSize: GIB, guestSize: 4096, namesOthers: true })]);
      assert.deepEqual([trap.severity, trap.certainty], ['warning', 'possible']);
      assert.match(trap.meaning, /harm/);
      assert.equal(only([base, recorded('raw', { namesOthers: true })]).certainty, 'likely');
    });

    it('qcow2 over what is none is wrong, and said instead of that the parent is refused', () => {
      const parent = missing('base', {
        state: 'refused',
        reason: 'unreadable',
        path: '/vm/base',
        content: content({ format: 'raw', found: 'a disk with a GPT' }),
      });
      const { code, certainty, remedies } = only([image('leaf', { parent })]);
      assert.deepEqual(
        [code, certainty, remedies[0]?.title],
        ['backing-format-wrong', 'certain', 'Record the parent as raw'],
      );
    });

    it('that is absent is a warning that says what to record', () => {
      const finding = { code: 'backing-format-absent', severity: 'warning', message: 'absent' } as const;
      const link = on('base', { recorded: undefined });
      assert.deepEqual(told([base, image('leaf', { parent: link, findings: [finding] })]), [
        'warning certain backing-format-absent leaf',
      ]);
    });
  });

  it('tell of a loop once, and not of those above it', () => {
    const a = image('a', { parent: on('b'), modified: NOON + 1 });
    const b = image('b', { parent: on('a') });
    assert.deepEqual(told([image('above', { parent: on('b') }), b, a]), ['error certain parent-cycle a']);
    const self = image('self', { parent: missing('self', { state: 'cycle', reason: undefined }) });
    assert.deepEqual(told([self]), ['error certain parent-cycle self']);
  });

  describe('a parent that is newer', () => {
    const later = NOON + 5 * MINUTE;

    it('is likely damage where it is a base, whose header nobody writes anew', () => {
      const found = only([image('base', { modified: later, made: NOON - MINUTE }), leaf]);
      assert.deepEqual([found.code, found.severity, found.certainty], ['parent-newer', 'warning', 'likely']);
      assert.match(found.message, /5 minutes after/);
    });

    it('is only possibly damage where the file was put here after the image was written', () => {
      const copied = image('base', { modified: later, made: later - 10 });
      assert.deepEqual(told([copied, leaf]), ['info possible parent-newer leaf']);
      // A copy that keeps dates: it came here later than the date it has, which is that of its content.
      const kept = image('base', { modified: later, made: later + 10 });
      assert.deepEqual(told([kept, leaf]), ['warning likely parent-newer leaf']);
    });

    it('is only possibly damage in the middle, where merging and naming parents anew write', () => {
      const dirty = { code: 'dirty', severity: 'warning', message: 'dirty' } as const;
      const mid = (facts: Partial<ImageFacts>): ImageFacts =>
        image('mid', { parent: on('base'), modified: later, ...facts });
      const top = image('top', { parent: on('mid') });
      assert.deepEqual(told([base, mid({}), top]), ['info possible parent-newer top']);
      assert.ok(told([base, mid({ findings: [dirty] }), top]).includes('warning likely parent-newer top'));
      assert.deepEqual(told([base, mid({ snapshotDates: [NOON + MINUTE] }), top]), [
        'warning certain parent-newer top',
      ]);
      assert.deepEqual(told([base, mid({ snapshotDates: [NOON - MINUTE] }), top]), ['info possible parent-newer top']);
    });

    it('is explained by a deletion that writes to it', () => {
      const note = (direction: 'commit' | 'pull') =>
        ({
          kind: 'delete',
          path: '/vm/.leaf.vmdisk-delete.json',
          image: { path: '/vm/leaf', image: leaf, exists: true },
          parent: { path: '/vm/base', image: image('base'), exists: true },
          direction,
          children: [],
          began: NOON,
        }) as const;
      const images = [image('base', { modified: later }), leaf];
      assert.ok(told(images, { leftovers: [note('commit')] }).includes('info possible parent-newer leaf'));
      assert.ok(told(images, { leftovers: [note('pull')] }).includes('warning likely parent-newer leaf'));
    });

    it('was written since the image was made, though the image was written to last', () => {
      const old = image('leaf', { parent: on('base'), made: NOON - 30 * MINUTE });
      assert.deepEqual(told([image('base', { modified: NOON - 20 * MINUTE, made: NOON - 60 * MINUTE }), old]), [
        'info possible parent-written-since leaf',
      ]);
      // QEMU brings the rest of a running VM's writes to the older layer right after it has made the overlay.
      const live = image('base', { modified: NOON - 30 * MINUTE + 2000, made: NOON - 60 * MINUTE });
      assert.deepEqual(told([live, old]), []);
      // An image whose date is older than its file was copied: when it was made is not known.
      const copy = image('leaf', { parent: on('base'), made: NOON + MINUTE });
      assert.deepEqual(told([image('base', { modified: NOON - MINUTE, made: NOON - 60 * MINUTE }), copy]), []);
    });
  });

  describe('a base that is shared', () => {
    const twin = image('twin', { parent: on('base') });

    it('is fine while nobody writes to it', () => {
      assert.deepEqual(told([base, leaf, twin]), []);
    });

    it('and written to after its overlays is told at the base, beside each overlay', () => {
      const written = image('base', { modified: NOON + MINUTE, made: NOON - MINUTE });
      assert.deepEqual(told([written, leaf, twin]), [
        'warning likely shared-base-written base',
        'warning likely parent-newer leaf',
        'warning likely parent-newer twin',
      ]);
    });

    it('and open for writing is an error', () => {
      const open = image('base', { use: { state: 'written', by: ['qemu-system-x86 (7)'] } });
      const found = diagnose([open, leaf, twin]).map(({ severity, code }) => `${severity} ${code}`);
      assert.deepEqual(found, ['error shared-base-written', 'error parent-in-use']);
    });
  });

  describe('sizes that differ', () => {
    it('are good to know, as disks are made larger', () => {
      assert.deepEqual(told([base, image('leaf', { parent: on('base'), guestSize: 2 * GIB })]), [
        'info possible parent-smaller leaf',
      ]);
      assert.deepEqual(told([base, image('leaf', { parent: on('base'), guestSize: GIB / 2 })]), [
        'info possible parent-larger leaf',
      ]);
    });

    it('are a warning where the parent changed after the image', () => {
      const newer = { modified: NOON + MINUTE, made: NOON - MINUTE };
      const codes = (size: number): string[] => told([image('base', { guestSize: size, ...newer }), leaf]);
      assert.ok(codes(GIB / 2).includes('warning likely parent-smaller leaf'));
      assert.ok(codes(2 * GIB).includes('warning likely parent-larger leaf'));
    });

    it('are a warning where the parent ends in the middle of a sector', () => {
      const cut = image('base', {
        guestSize: GIB / 2,
        findings: [{ code: 'partial-sector', severity: 'info', message: 'odd' }],
      });
      assert.ok(told([cut, leaf]).includes('warning likely parent-smaller leaf'));
    });

    it('are told apart when they round to the same', () => {
      const { message } = only([image('base', { guestSize: GIB - 512 }), leaf]);
      assert.match(message, /1073741312 bytes.*1073741824 bytes/);
    });
  });

  describe('what is marked in the header', () => {
    const with_ = (code: string, use: ImageFacts['use'] = { state: 'free', by: [] }): string[] =>
      told([image('leaf', { findings: [{ code, severity: 'warning', message: code, offset: 72 }], use })]);

    it('as not closed cleanly is a warning, and as it should be while a VM runs', () => {
      assert.deepEqual(with_('dirty'), ['warning certain dirty leaf']);
      assert.deepEqual(with_('dirty', { state: 'written', by: [] }), [
        'info certain dirty leaf',
        'info certain in-use leaf',
      ]);
    });

    it('as corrupt is an error, mended after a check', () => {
      assert.deepEqual(with_('marked-corrupt'), ['error certain marked-corrupt leaf']);
      const found = image('leaf', { findings: [{ code: 'marked-corrupt', severity: 'error', message: '' }] });
      assert.deepEqual(commands([found]), ['vmdisk check /vm/leaf', 'vmdisk repair /vm/leaf --mode all']);
    });

    it('and of no rule of its own is passed on', () => {
      assert.deepEqual(with_('extension-length'), ['warning certain extension-length leaf']);
      assert.deepEqual(with_('holes-unknown'), []);
    });
  });

  describe('an image in use', () => {
    const use = { state: 'written', by: ['qemu-system-x86 (7)'] } as const;

    it('is good to know at the leaf and for what is only read', () => {
      assert.deepEqual(told([base, image('leaf', { parent: on('base'), use })]), ['info certain in-use leaf']);
      assert.deepEqual(told([image('base', { use: { state: 'read', by: [] } }), leaf]), ['info certain in-use base']);
    });

    it('is an error below an overlay, unless the same process has that open and merges', () => {
      assert.deepEqual(told([image('base', { use }), leaf]), ['error certain parent-in-use base']);
      const merging = told([image('base', { use }), image('leaf', { parent: on('base'), use })]);
      assert.deepEqual(merging, ['info certain in-use leaf', 'info likely parent-in-use base']);
    });
  });

  it('tell of a chain of very many layers at its newest', () => {
    const chain = (length: number): ImageFacts[] =>
      Array.from({ length }, (_, i) => image(`l${i}`, i === 0 ? {} : { parent: on(`l${i - 1}`) }));
    assert.deepEqual(told(chain(29)), []);
    assert.deepEqual(told(chain(30)), ['info certain chain-deep l29']);
    assert.deepEqual(told(chain(201)), ['error certain chain-too-deep l200']);
  });

  it('tell of names that mean something else elsewhere', () => {
    const cwd = { code: 'relative-to-working-directory', severity: 'info', message: 'cwd' } as const;
    assert.deepEqual(told([base, image('leaf', { parent: on('base', { written: 'json:{}' }) })]), [
      'info certain parent-by-json leaf',
    ]);
    assert.deepEqual(told([base, image('leaf', { parent: on('base'), findings: [cwd] })]), [
      'warning certain relative-to-working-directory leaf',
    ]);
    assert.deepEqual(told([image('leaf', { otherNames: ['/vm/link'] })]), ['info certain two-names leaf']);
  });

  it('tell of what the image keeps elsewhere, and of what can’t be looked at', () => {
    const gone = { code: 'data-file', severity: 'error', message: 'gone' } as const;
    assert.deepEqual(told([image('leaf', { findings: [gone] })]), ['error certain data-file leaf']);
    assert.deepEqual(told([image('leaf', { encryption: 'LUKS (aes)' })]), ['info certain encrypted leaf']);
    assert.deepEqual(told([image('leaf', { encryption: 'AES (aes)' })]), ['info certain encrypted-aes leaf']);
  });

  it('tell of bitmaps that were not saved, but not while a VM has them', () => {
    const bitmaps = [
      { name: 'good', granularity: 65536, flags: ['auto'] as const },
      { name: 'b; rm', granularity: 65536, flags: ['in-use'] as const },
    ];
    assert.deepEqual(told([image('leaf', { bitmaps })]), ['warning certain bitmap-in-use leaf']);
    assert.deepEqual(commands([image('leaf', { bitmaps })]), ["qemu-img bitmap --remove /vm/leaf 'b; rm'"]);
    assert.deepEqual(told([image('leaf', { bitmaps, use: { state: 'written', by: [] } })]), [
      'info certain in-use leaf',
    ]);
  });

  it('tell what a check found', () => {
    const counts = {
      checkErrors: 0,
      corruptions: 0,
      leaks: 0,
      further: 0,
      imageEnd: 0,
      totalClusters: 0,
      allocatedClusters: 0,
      fragmentedClusters: 0,
      compressedClusters: 0,
      endsEarly: false,
    };
    assert.deepEqual(told([image('leaf', { check: counts })]), []);
    assert.deepEqual(told([image('leaf', { check: { ...counts, leaks: 3 } })]), ['warning certain check-leaks leaf']);
    // What a broken table refers to looks leaked as well: nothing that frees it is offered.
    assert.deepEqual(told([image('leaf', { check: { ...counts, corruptions: 1, leaks: 3 } })]), [
      'error certain check-corruptions leaf',
      'warning possible check-leaks leaf',
    ]);
    assert.deepEqual(told([image('leaf', { check: { ...counts, further: 1 } })]), [
      'error certain check-corruptions leaf',
    ]);
    for (const faults of [{ corruptions: 1 }, { leaks: 1 }]) {
      const kinds = (format: string): string[] =>
        only([image('leaf', { format, check: { ...counts, ...faults } })]).remedies.map(({ remedy }) => remedy.kind);
      assert.ok(kinds('qcow2').includes('repair'));
      assert.ok(!kinds('qed').includes('repair'));
    }
    const cut = image('leaf', { check: { ...counts, corruptions: 1, endsEarly: true } });
    assert.match(only([cut]).remedies[0]?.title ?? '', /^The file ends before .*: get the complete one first/);
    assert.match(
      only([{ ...cut, format: 'vmdk' }]).remedies[0]?.title ?? '',
      /^The file ends before .*: get the complete one, if there is any\.$/,
    );
    assert.deepEqual(told([image('leaf', { check: { failed: 'why' } })]), ['error certain check-failed leaf']);
    assert.deepEqual(commands([image('leaf', { check: { ...counts, leaks: 3 } })]), [
      'vmdisk repair /vm/leaf --mode leaks',
    ]);
  });

  it('tell of what can’t be read, and of what was not looked at', () => {
    const error = { code: 'corrupt', message: 'clusters of 2^99 bytes', offset: 20 } as const;
    const facts = {
      unreadable: [{ path: '/vm/bad', format: 'qcow2', error }],
      incomplete: [{ folder: '/vm', why: 'too many' }],
    };
    assert.deepEqual(told([], facts), ['error certain unreadable bad', 'warning certain not-all-looked-at vm']);
  });
});

describe('links by what a parent is known by', () => {
  const changed = (severity: Finding['severity']): Finding => ({
    code: 'parent-changed',
    severity,
    message: 'the parent "base.vmdk" is not as it was when this image was made: its CID is 1, where 2 is expected',
  });

  it('that do not hold are told once, with what it means for the program that made it', () => {
    const { code, severity, certainty, meaning, remedies } = only([
      image('leaf.vmdk', { format: 'vmdk', findings: [changed('error')] }),
    ]);
    assert.deepEqual([code, severity, certainty], ['parent-changed', 'error', 'certain']);
    assert.match(meaning, /written to after .* VMware says/);
    assert.deepEqual(
      remedies.map(({ command }) => command),
      [undefined, 'vmdisk convert -O qcow2 /vm/leaf.vmdk COPY.qcow2'],
    );
  });

  it('that may not hold, as a time may not, are likely', () => {
    const found = only([image('leaf.vhd', { format: 'vpc', findings: [changed('warning')] })]);
    assert.deepEqual([found.severity, found.certainty], ['warning', 'likely']);
    assert.match(found.meaning, /Set-VHD/);
  });
});

describe('a file of a disk that is not there', () => {
  it('is told with what to put back', () => {
    for (const code of ['extent-missing', 'extent-refused']) {
      const finding: Finding = {
        code,
        severity: 'error',
        message: 'the extent "a-flat.vmdk" could not be opened',
        advice: 'So.',
      };
      const { code: as, meaning, remedies } = only([image('a.vmdk', { format: 'vmdk', findings: [finding] })]);
      assert.equal(as, code);
      assert.match(meaning, /unknown.* So\.$/);
      assert.match(remedies[0]?.title ?? '', /^Put the file back/);
    }
  });
});
