/** What `vmdisk` promises beside its answers: streams, exit codes, plain errors. The images are the project's own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildQcow2, data, noise, prose, compressed, writeImage, zero } from '../fixtures/build/index';
import type { CliResult } from '../support/cli';
import { cliPath, runCli, runCliJson, startCli } from '../support/cli';
import { repositoryRoot } from '../support/root';
import { makeTempFolder, removeFolder } from '../support/temp';

const CLUSTER = 65536;
const VERBS = ['info', 'map', 'chain', 'trace'] as const;
const ON_WINDOWS = process.platform === 'win32';

describe('the command line', () => {
  const folder = makeTempFolder('cli');
  const run = (...args: readonly string[]): CliResult => runCli(args, { cwd: folder });
  const json = (...args: readonly string[]): Record<string, unknown> =>
    runCliJson(args, { cwd: folder }) as Record<string, unknown>;

  before(() => {
    const write = (name: string, spec: Parameters<typeof buildQcow2>[0]): void => {
      writeImage(join(folder, name), buildQcow2(spec).image);
    };
    const size = 4 * CLUSTER;
    const old = new Map([
      [0, data(noise(1, CLUSTER))],
      [3, compressed(prose(1, CLUSTER))],
    ]);
    writeFileSync(join(folder, 'base.raw'), noise(9, size));
    write('leaf.qcow2', { size, backing: 'middle.qcow2', backingFormat: 'qcow2', clusters: new Map([[1, zero()]]) });
    write('middle.qcow2', {
      size,
      backing: 'base.raw',
      backingFormat: 'raw',
      clusters: old,
      snapshots: [{ id: '7', name: 'before', clusters: new Map(), date: 1_700_000_000 }],
    });
    write('orphan.qcow2', { size, backing: 'gone.qcow2', backingFormat: 'qcow2', clusters: old });
    write('loop.qcow2', { size, backing: './loop.qcow2', backingFormat: 'qcow2' });
    write('evil.qcow2', { size, backing: '\u001b]0;owned\u0007\u001b[2Jx', backingFormat: 'raw' });
    const pieces = 20_000;
    const clusters = new Map(Array.from({ length: pieces / 2 }, (_, i) => [i * 2, zero()] as const));
    write('pieces.qcow2', { size: pieces * 512, clusterBits: 9, clusters });
    writeFileSync(join(folder, 'disk.vmdk'), 'KDMV'.padEnd(1024, '\0'));
    writeFileSync(join(folder, 'cut.qcow2'), readFileSync(join(folder, 'leaf.qcow2')).subarray(0, 60));
    const lost = buildQcow2({ size, clusters: old });
    writeImage(join(folder, 'lost-table.qcow2'), lost.image);
    truncateSync(join(folder, 'lost-table.qcow2'), lost.layout.l2Table(0) ?? 0);
    mkdirSync(join(folder, 'folder'));
  });

  after(() => {
    removeFolder(folder);
  });

  it('answers alike in a process of its own and in one that goes on, as other tests ask it', async () => {
    const calls = [
      ['map', '--output', 'json', 'pieces.qcow2'],
      ['chain', 'leaf.qcow2'],
      ['chain', 'orphan.qcow2'],
      ['trace', 'leaf.qcow2', '0'],
      ['check', 'cut.qcow2'],
      ['map', 'absent'],
      ['nothing'],
      ['map', '--output', 'json', 'leaf.qcow2'],
    ];
    for (const call of calls) assert.deepEqual(await startCli(call, { cwd: folder }), run(...call), call.join(' '));
  });

  it('helps, for the whole and for each verb, wherever it is asked', () => {
    const whole = run('--help');
    assert.deepEqual([whole.code, whole.stderr], [0, '']);
    for (const verb of VERBS) {
      assert(whole.stdout.includes(`  ${verb} `), verb);
      const help = run(verb, '--help');
      assert.deepEqual([help.code, help.stderr], [0, '']);
      assert.match(help.stdout, new RegExp(`^Usage: vmdisk ${verb} `));
      for (const option of ['--output', '--snapshot', '--help', '--version'])
        assert(help.stdout.includes(option), `${verb} ${option}`);
      assert.equal(run('help', verb).stdout, help.stdout);
      assert.equal(run(verb, 'no such', '--bogus', '-h').stdout, help.stdout);
      for (const line of help.stdout.split('\n')) assert(line.length <= 120, line);
    }
  });

  it('tells the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as { version: string };
    for (const args of [['--version'], ['map', '--version'], ['-V']])
      assert.deepEqual([run(...args).code, run(...args).stdout], [0, `vmdisk ${version}\n`]);
  });

  const wrong: readonly (readonly string[])[] = [
    [],
    ['look', 'leaf.qcow2'],
    ['map'],
    ['map', 'a', 'b'],
    ['trace', 'leaf.qcow2'],
    ['trace', 'leaf.qcow2', 'five'],
    ['map', '--bogus', 'leaf.qcow2'],
    ['map', '--output', 'yaml', 'leaf.qcow2'],
    ['map', '--format', 'dmg', 'leaf.qcow2'],
    ['--output', 'json'],
  ];
  for (const args of wrong) {
    it(`is used wrongly: vmdisk ${args.join(' ')}`, () => {
      assertPlainFailure(run(...args), 2);
    });
  }

  const failing: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
    'a file that is not there': [['map', 'nothing.qcow2'], /nothing\.qcow2: there is no such file/],
    'a folder': [['info', 'folder'], /folder: .*a folder/],
    'a name that is empty': [['info', ''], /./],
    'a format that is not read': [['chain', 'disk.vmdk'], /disk\.vmdk: .*VMDK/],
    'an image that was cut off': [
      ['map', 'cut.qcow2'],
      /cut\.qcow2: the file ends inside the qcow2 header.*copy it anew/,
    ],
    'an image that is taken for another format': [
      ['map', '-f', 'qcow2', 'base.raw'],
      /base\.raw: this is no qcow2 image/,
    ],
    'a snapshot that is not there': [
      ['map', '--snapshot', 'after', 'middle.qcow2'],
      /middle\.qcow2: .*"after".*before/,
    ],
    'an offset past the end': [['trace', 'leaf.qcow2', '1G'], /leaf\.qcow2: byte 1073741824 is past the end/],
  };
  for (const [name, [args, message]] of Object.entries(failing)) {
    it(`fails plainly: ${name}`, () => {
      const result = run(...args, '--output', 'json');
      assertPlainFailure(result, 1);
      assert.match(result.stderr, message);
    });
  }

  it('fails plainly: a file that may not be read', function () {
    if (ON_WINDOWS || process.getuid?.() === 0) this.skip();
    writeFileSync(join(folder, 'secret.qcow2'), 'x');
    chmodSync(join(folder, 'secret.qcow2'), 0);
    assertPlainFailure(run('map', 'secret.qcow2'), 1);
  });

  it('prints JSON alone on stdout, for every verb', () => {
    for (const verb of VERBS) {
      const result = run(verb, '--output', 'json', 'leaf.qcow2', ...(verb === 'trace' ? ['0'] : []));
      assert.deepEqual([result.code, result.stderr], [0, ''], verb);
      assert.doesNotThrow(() => JSON.parse(result.stdout), verb);
    }
  });

  it('prints for people without colours where nobody looks on', () => {
    for (const verb of VERBS) {
      const result = run(verb, 'leaf.qcow2', ...(verb === 'trace' ? ['0'] : []));
      assert.equal(result.code, 0, verb);
      assert(!result.stdout.includes('\u001b'), verb);
      assert(result.stdout.includes('leaf.qcow2'), verb);
      for (const line of result.stdout.split('\n')) assert.equal(line, line.trimEnd(), verb);
    }
  });

  it('prints no control characters of an image', () => {
    for (const verb of VERBS) {
      for (const output of ['human', 'json']) {
        const result = run(verb, '--output', output, 'evil.qcow2', ...(verb === 'trace' ? ['0'] : []));
        assert.doesNotMatch(
          result.stdout + result.stderr,
          /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
          `${verb} ${output}`,
        );
      }
    }
  });

  it('shows a chain that breaks as far as it goes', () => {
    const chain = json('chain', 'orphan.qcow2');
    assert.deepEqual([chain['end'], chain['unknown'], chain['nobody']], ['missing', 2 * CLUSTER, 0]);
    const info = runCliJson(['info', '--backing-chain', 'orphan.qcow2'], { cwd: folder }) as Record<string, unknown>[];
    assert.equal(info.length, 1);
    const codes = (layer: Record<string, unknown> | undefined): unknown =>
      (layer?.['findings'] as { code: string }[] | undefined)?.map(({ code }) => code);
    assert.deepEqual(codes(info[0]), ['parent-missing']);
    assert.deepEqual(codes(json('info', 'orphan.qcow2')), ['parent-missing'], 'told without asking for the chain');
    assert.equal(json('chain', 'loop.qcow2')['end'], 'cycle');
  });

  it('maps what is known where a parent is missing, and says in its exit code that this is not all', () => {
    const result = run('map', '--output', 'json', 'orphan.qcow2');
    assert.equal(result.code, 1);
    const entries = JSON.parse(result.stdout) as { start: number; length: number; present: boolean; unknown?: true }[];
    assert.deepEqual(
      entries.map(({ start, length, unknown }) => [start / CLUSTER, length / CLUSTER, unknown]),
      [
        [0, 1, undefined],
        [1, 2, true],
        [3, 1, undefined],
      ],
    );
    assert.match(result.stderr, /gone\.qcow2.*is not there/);
    assert.match(result.stderr, /1 range of the disk \(128 KiB\) can't be known/);
    assert.equal(run('map', 'orphan.qcow2').code, 1);
  });

  it('tells how much of a disk is unknown where the tables are past the end of the file', () => {
    const { stdout } = run('chain', 'lost-table.qcow2');
    assert.match(
      stdout,
      /256 KiB are in no layer and read as zero; up to 256 KiB of that is unknown, since tables are lost\./,
    );
    const result = run('map', 'lost-table.qcow2');
    assert.match(result.stderr, /what was in the 256 KiB of the disk that is mapped there is unknown/);
    assert.doesNotMatch(run('chain', 'pieces.qcow2').stdout, /unknown/);
  });

  it('sends for the complete file before it offers to repair one that was cut off', () => {
    const lines = run('check', 'lost-table.qcow2').stdout.trimEnd().split('\n').slice(-2);
    assert.match(lines[0] ?? '', /^The file ends before what it refers to: get the complete one first/);
    assert.match(lines[1] ?? '', /^Only where there is none.*: vmdisk repair lost-table\.qcow2 --mode all$/);
  });

  it('looks at a snapshot by id or name', () => {
    for (const snapshot of ['7', 'before']) {
      const chain = json('chain', '--snapshot', snapshot, 'middle.qcow2') as unknown as { layers: { owned: number }[] };
      assert.deepEqual(
        chain.layers.map(({ owned }) => owned),
        [0, 4 * CLUSTER],
      );
      assert.equal(
        (json('info', '--snapshot', snapshot, 'middle.qcow2')['snapshot'] as { name: string }).name,
        'before',
      );
      assert.equal(json('trace', '--snapshot', snapshot, 'middle.qcow2', '0')['owner'], 1);
    }
    assert.equal(json('trace', 'middle.qcow2', '0')['owner'], 0);
  });

  it('reads offsets in every unit', () => {
    for (const offset of ['65536', '0x10000', '0x1_0000', '64K', '64KiB', '128s']) {
      assert.deepEqual(
        [json('trace', 'leaf.qcow2', offset)['offset'], json('trace', 'leaf.qcow2', offset)['owner']],
        [65536, 0],
        offset,
      );
    }
  });

  it('takes a name that begins with a dash behind --', () => {
    writeFileSync(join(folder, '--help'), new Uint8Array(512));
    assert.equal((runCliJson(['map', '--', '--help'], { cwd: folder }) as unknown[]).length, 1);
  });

  it('finds a parent beside the place that a link leads to, as the file system does', function () {
    if (ON_WINDOWS) this.skip();
    mkdirSync(join(folder, 'real', 'images'), { recursive: true });
    mkdirSync(join(folder, 'links'));
    symlinkSync(join(folder, 'real', 'images'), join(folder, 'links', 'images'));
    writeFileSync(join(folder, 'real', 'base.raw'), noise(1, CLUSTER));
    writeFileSync(join(folder, 'links', 'base.raw'), noise(2, 2 * CLUSTER));
    writeImage(
      join(folder, 'real', 'images', 'leaf.qcow2'),
      buildQcow2({ size: CLUSTER, backing: '../base.raw', backingFormat: 'raw' }).image,
    );
    // links/images/../base.raw is real/base.raw to everyone who opens it.
    const chain = json('chain', 'links/images/leaf.qcow2') as unknown as { layers: { guestSize: number }[] };
    assert.deepEqual(
      chain.layers.map(({ guestSize }) => guestSize),
      [CLUSTER, CLUSTER],
    );
  });

  it('stops quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [cliPath(), 'map', '--output', 'json', 'pieces.qcow2'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise((done) => {
      child.once('close', done);
      child.stdout.once('data', () => child.stdout.destroy());
    });
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('writes all of a long map', () => {
    const entries = runCliJson(['map', 'pieces.qcow2'], { cwd: folder }) as { start: number }[];
    assert.equal(entries.length, 20_000);
    assert.deepEqual(entries.at(-1), {
      start: 19_999 * 512,
      length: 512,
      depth: 0,
      present: false,
      zero: true,
      data: false,
      compressed: false,
    });
    assert.equal(
      run('map', 'pieces.qcow2')
        .stdout.split('\n')
        .filter((line) => line.includes('0x')).length,
      20_000,
    );
  });
});

/** One line on stderr for a person, nothing on stdout. */
function assertPlainFailure({ code, stdout, stderr }: CliResult, expected: number): void {
  assert.deepEqual([code, stdout], [expected, ''], stderr);
  assert.match(stderr, /^vmdisk: .+\n$/);
  assert.equal(stderr.split('\n').length, 2, stderr);
  assert.doesNotMatch(stderr, /\bat .+:\d+:\d+|Error:|undefined|NaN/);
}
