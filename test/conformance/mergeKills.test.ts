/**
 * `vmdisk snapshot delete` killed together with its qemu-img at random moments: every newest layer reads as before, by
 * qemu-img, and running the same again finishes what was begun.
 *
 * VMDISK_KILLS is how many, VMDISK_SEED draws other moments.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { notePath } from '../../src/node/snapshots/notes';
import { cliPath, runCli } from '../support/cli';
import { qemuCheck, qemuImg, qemuInfo, qemuIo, qemuVersion } from '../support/qemu';
import { Draw } from '../support/random';
import { makeTempFolder, removeFolder } from '../support/temp';

const MIB = 2 ** 20;
const seed = Number(process.env['VMDISK_SEED'] ?? 20_261_125);
const kills = Number(process.env['VMDISK_KILLS'] ?? 4);
/** Large enough to be hit in the middle. */
const SIZE = (process.env['VMDISK_KILLS'] === undefined ? 40 : 96) * MIB;
const LAYER = 'layer.qcow2';

interface Scene {
  readonly title: string;
  readonly base: 'base.raw' | 'base.qcow2';
  readonly children: number;
  readonly direction: 'commit' | 'pull';
}

const SCENES: readonly Scene[] = [
  { title: 'commit under two overlays', base: 'base.qcow2', children: 2, direction: 'commit' },
  { title: 'pull into two overlays', base: 'base.qcow2', children: 2, direction: 'pull' },
  { title: 'commit of the newest layer', base: 'base.qcow2', children: 0, direction: 'commit' },
  { title: 'commit into a raw base', base: 'base.raw', children: 1, direction: 'commit' },
];

describe(`deleting a layer, killed at ${kills} random moments (VMDISK_SEED=${seed})`, () => {
  if (qemuVersion() === undefined || process.platform === 'win32') {
    const required = (process.env['VMDISK_REQUIRE_QEMU'] ?? '') !== '' && process.platform !== 'win32';
    if (required) it('has qemu-img', () => assert.fail('there is no qemu-img: install qemu-utils'));
    else it('is not done: it takes qemu-img and process groups');
    return;
  }

  SCENES.forEach((scene, index) => {
    const rounds = Math.floor((kills + SCENES.length - 1 - index) / SCENES.length);
    if (rounds === 0) return;
    it(`${scene.title}, ${rounds} times`, async function () {
      this.timeout(60_000 * (rounds + 1));
      const stage = new Stage(scene);
      try {
        const draw = Draw.named(seed, scene.title);
        const course = await stage.uninterrupted();
        for (let round = 0; round < rounds; round += 1)
          await stage.killed(course.at(draw), `${scene.title}, round ${round}`);
      } finally {
        stage.remove();
      }
    });
  });
});

/** When what began, in milliseconds since the start. */
class Course {
  constructor(
    private readonly commands: readonly number[],
    private readonly end: number,
  ) {}

  /** A moment: anywhere, or while one of the commands runs. */
  at(draw: Draw): number {
    if (draw.chance(0.4)) return draw.below(Math.ceil(this.end));
    const index = draw.below(this.commands.length);
    const from = this.commands[index] ?? 0;
    const to = this.commands[index + 1] ?? this.end;
    return from + draw.below(Math.max(1, Math.ceil(to - from)));
  }
}

class Stage {
  private readonly temp = makeTempFolder('kills');
  private readonly folder = join(this.temp, 'images');
  private readonly kept = join(this.temp, 'kept');
  private readonly children: readonly string[];
  private readonly hashes: ReadonlyMap<string, string>;

  constructor(private readonly scene: Scene) {
    const { base, children } = scene;
    mkdirSync(this.folder);
    const pattern = join(this.temp, 'pattern');
    writeFileSync(pattern, Draw.named(seed, 'pattern').bytes(MIB));
    const baseFormat = base.endsWith('.raw') ? 'raw' : 'qcow2';
    qemuImg(this.folder, 'create', '-q', '-f', baseFormat, base, String(SIZE));
    qemuIo(this.folder, ['-f', baseFormat, base], [`write -s ${pattern} 0 ${SIZE / 2}`]);
    this.overlay(base, baseFormat, LAYER, [`write -s ${pattern} 8M ${SIZE / 2 + 3 * MIB}`, 'write -z 1M 2M']);
    this.children = Array.from({ length: children }, (_, index) => `child-${index}.qcow2`);
    this.children.forEach((child, index) => {
      this.overlay(LAYER, 'qcow2', child, [`write -P ${index + 1} ${10 + 4 * index}M 3M`]);
    });
    this.hashes = new Map([LAYER, ...this.children].map((image) => [image, this.hash(image)]));
    this.copy(this.folder, this.kept);
  }

  /** Runs it to its end, to know what happens when. */
  async uninterrupted(): Promise<Course> {
    const began = Date.now();
    const commands: number[] = [];
    const child = this.start();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.includes('running')) commands.push(Date.now() - began);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, 'runs to its end');
    const course = new Course(commands, Date.now() - began);
    this.assertDone('uninterrupted');
    return course;
  }

  async killed(moment: number, round: string): Promise<void> {
    rmSync(this.folder, { recursive: true });
    this.copy(this.kept, this.folder);
    const title = `${round}, after ${moment} ms`;
    const child = this.start();
    const ended = new Promise((resolve) => child.on('close', resolve));
    await Promise.race([ended, setTimeout(moment)]);
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It was done before.
    }
    await ended;
    this.assertReads(title);
    const left = existsSync(join(this.folder, LAYER));
    if (left && this.wasBegun()) assert(existsSync(this.note), `${title}: a note tells what was begun`);
    if (left || existsSync(this.note)) {
      const again = runCli(this.args());
      assert.equal(again.code, 0, `${title}: finishes when it is run again: ${again.stderr}`);
    }
    this.assertDone(title);
  }

  remove(): void {
    removeFolder(this.temp);
  }

  private get note(): string {
    return notePath(join(this.folder, LAYER), 'delete');
  }

  private args(): string[] {
    return ['snapshot', 'delete', '--direction', this.scene.direction, join(this.folder, LAYER)];
  }

  /** In a process group of its own, so that it dies with its qemu-img. */
  private start() {
    return spawn(process.execPath, [cliPath(), ...this.args()], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** Some overlay has another parent, or the parent was written to. */
  private wasBegun(): boolean {
    const moved = this.children.some((child) => this.backingOf(child) !== LAYER);
    const { base } = this.scene;
    return moved || !readFileSync(join(this.folder, base)).equals(readFileSync(join(this.kept, base)));
  }

  private backingOf(image: string): unknown {
    return qemuInfo(this.folder, '-U', image)['backing-filename'];
  }

  private assertReads(title: string): void {
    const { base, children } = this.scene;
    for (const child of this.children) assert.equal(this.hash(child), this.hashes.get(child), `${title}: ${child}`);
    const left = existsSync(join(this.folder, LAYER));
    if (left) assert.equal(this.hash(LAYER), this.hashes.get(LAYER), `${title}: ${LAYER}`);
    else if (children === 0)
      assert.equal(this.hash(base), this.hashes.get(LAYER), `${title}: ${base} reads as ${LAYER} did`);
  }

  private assertDone(title: string): void {
    const { base } = this.scene;
    assert(!existsSync(join(this.folder, LAYER)), `${title}: the layer is gone`);
    assert(!existsSync(this.note), `${title}: no note is left`);
    this.assertReads(title);
    for (const child of this.children)
      assert.equal(this.backingOf(child), base, `${title}: ${child} stands on ${base}`);
    for (const image of [base, ...this.children]) {
      if (image.endsWith('.raw')) continue;
      // What was given out and never came into use is leaked; nothing may be corrupt.
      const { code, messages } = qemuCheck(this.folder, '-f', 'qcow2', image);
      assert(code === 0 || code === 3, `${title}: ${image}: ${messages}`);
    }
  }

  private overlay(on: string, format: string, image: string, commands: readonly string[]): void {
    qemuImg(this.folder, 'create', '-q', '-f', 'qcow2', '-b', on, '-F', format, image);
    qemuIo(this.folder, ['-f', 'qcow2', image], commands);
  }

  private hash(image: string): string {
    const out = join(this.temp, 'truth.raw');
    const format = image.endsWith('.raw') ? 'raw' : 'qcow2';
    qemuImg(this.folder, 'convert', '-q', '-U', '-f', format, '-O', 'raw', image, out);
    const hash = createHash('sha256').update(readFileSync(out)).digest('hex');
    rmSync(out);
    return hash;
  }

  private copy(from: string, to: string): void {
    const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
}
