/** What `qemu-img check` says of the images broken on purpose: `test/fixtures/golden/damage.json`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeImage } from '../../fixtures/build/index';
import { type QemuCheck, qemuCheck } from '../../support/qemu';
import { withTempFolder } from '../../support/temp';
import { type GoldenCheck, goldenFolder } from '../golden';
import type { Broken, Damage } from './damage';

const IMAGE = 'broken.qcow2';

interface Answers {
  /** Version of the qemu-img that was asked. */
  readonly qemu: string;
  readonly answers: Readonly<Record<string, GoldenCheck>>;
}

const answersFile = (): string => join(goldenFolder(), 'damage.json');

export function readAnswers(): Answers {
  return JSON.parse(readFileSync(answersFile(), 'utf8')) as Answers;
}

/** @returns the image's name in the folder that it is written to */
export function writeBroken(folder: string, { image, beside }: Broken): string {
  writeImage(join(folder, IMAGE), image);
  for (const file of beside) writeImage(join(folder, file.name), file.image);
  return IMAGE;
}

/** Asks qemu-img about an image that `writeBroken` wrote. */
export function askQemu(folder: string, { secret }: Broken): QemuCheck {
  if (secret === undefined) return qemuCheck(folder, '-f', 'qcow2', IMAGE);
  const options = `driver=qcow2,encrypt.key-secret=key,file.filename=${IMAGE}`;
  return qemuCheck(folder, '--object', `secret,id=key,data=${secret}`, '--image-opts', options);
}

export function writeAnswers(qemu: string, damages: readonly Damage[]): void {
  const lines = damages.map((damage) => {
    return withTempFolder('damage', (folder) => {
      const broken = damage.build();
      writeBroken(folder, broken);
      const { code, report } = askQemu(folder, broken);
      return `${JSON.stringify(damage.name)}:${JSON.stringify({ code, report })}`;
    });
  });
  writeFileSync(answersFile(), `{"qemu":${JSON.stringify(qemu)},"answers":{\n${lines.join(',\n')}\n}}\n`);
  console.log(`damage: ${damages.length} images`);
}
