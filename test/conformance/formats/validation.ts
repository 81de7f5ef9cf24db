/** VALIDATION.md: who judged what, from the fixtures themselves. Written by `node scripts/validation.mjs`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DRIVERS } from '../../../src/core';
import { repositoryRoot } from '../../support/root';
import { CORPUS_TRUTHS } from '../corpusTruth';
import { type FormatFixture, fixturesOf } from './expected';
import { TARGETS } from './targets';

const BY_HAND = 'by hand';

const HEAD = `# Validation

Who says that what the tests expect is right. A reader that is only compared with itself has proved nothing: the content
and the map of every fixture come from a program that others wrote, or are worked out by hand from the format's
specification, in the recipe or by a builder that shares no code with the reader.

This file is made from the fixtures by \`node scripts/validation.mjs\`; a test says when it is stale.

- **qcow2 and raw**: \`test/fixtures/golden\`, all of it by qemu-img (map, info, check, content), and random chains that are
  put to qemu-img and to us (\`npm run differential\`).
- **All other formats**: \`test/fixtures/formats\`, below. Where qemu-img is wrong or refuses, others judged:
  [libvhdi, libvmdk, libqcow](https://github.com/libyal) and [7-Zip](https://7-zip.org). All who were asked for the
  content of a fixture had to agree.
- **Round trips**: \`npm run differential -- --formats 20\` converts random qcow2 chains with \`qemu-img convert\` into
  ${TARGETS.length} kinds of images, every format that it writes, and reads them back: content against the chain's, map against
  \`qemu-img map\`; of VHDX against its block allocation table, since qemu-img maps a VHDX as one range.
- **Real images**: the corpus, at the end.

## Judges that were found wrong

- \`qemu-img\` ignores the parent and the sector bitmaps of a differencing VHD, refuses VHDX with a parent or with a log that
  waits to be replayed, tells one range of data for a whole VHDX, takes a fixed VHD for raw by its first bytes, opens no
  Parallels bundle, and no VMDK of type fullDevice.
- \`libvhdi\` 20210425 takes sector 186 of the corpus's fat-differential.vhd from the child, where it is zero, though its bit in
  the sector bitmap is clear; so does merged/fat-vhd-merged.raw, which was made with it. The parent's sector is the content of
  WPSettings.dat, which as such begins with its length; 7-Zip reads it, and so do we. libvhdi replays no VHDX log: it reads
  DiscUtils's vhdx-log-replay.vhdx as all zeros, where qemu-img (of a copy that it repaired) finds a boot sector.
- \`qemu-img convert -c -O qcow\` (10.0.2) ends with 1 and no word: compressed qcow is made by qemu-io here.
`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

const contentJudges = ({ expected: { judges } }: FormatFixture): string =>
  (judges.content ?? ['not all can be read']).join(', ');

function formatSection(format: string, title: string, fixtures: readonly FormatFixture[]): string {
  const rows = fixtures.map((fixture) => {
    const { name, expected } = fixture;
    const { judges, branch, because = '' } = expected;
    return row(name, branch, contentJudges(fixture), judges.map, judges.check ?? BY_HAND, because);
  });
  return [
    `## ${title} (\`${format}\`)`,
    '',
    row('fixture', 'branch of the driver', 'content by', 'map by', 'check by', 'why not qemu-img'),
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function byHandSection(all: readonly FormatFixture[]): string {
  const alone = all.filter(({ expected: { judges } }) => judges.content?.every((judge) => judge === BY_HAND));
  const lines = alone.map(({ format, name, expected: { because = '' } }) => `- ${format}/${name}: ${because}`);
  return [
    '## What no other reader could judge',
    '',
    'The content of these is what the specification says and nothing else:',
    '',
    ...(lines.length > 0 ? lines : ['- none']),
    '',
  ].join('\n');
}

function corpusSection(): string {
  const rows = CORPUS_TRUTHS.map(({ image, format, judges, qemuMaps }) =>
    row(image, format, judges, qemuMaps ? 'qemu-img' : 'adds up to the content’s size'),
  );
  return ['## The corpus', '', row('image', 'format', 'content by', 'map by'), '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

/** The file's text. */
export function validationText(): string {
  const drivers = DRIVERS.map(({ id, title }) => ({ id, title, fixtures: fixturesOf(id) }));
  const judged = drivers.filter(({ fixtures }) => fixtures.length > 0);
  const sections = judged.map(({ id, title, fixtures }) => formatSection(id, title, fixtures));
  const all = judged.flatMap(({ fixtures }) => fixtures);
  return [HEAD, ...sections, byHandSection(all), corpusSection()].join('\n');
}

export const validationFile = (): string => join(repositoryRoot(), 'VALIDATION.md');

/** Writes the file anew. */
export function main(): void {
  writeFileSync(validationFile(), validationText());
}
