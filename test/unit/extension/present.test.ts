import assert from 'node:assert/strict';
import { buildFamilies } from '../../../src/extension/tree/families';
import { ownedText, present } from '../../../src/extension/tree/present';
import type { LayerAccount } from '../../../src/core/model';
import type { SurveyedImage } from '../../../src/protocol/image';
import { image, orphan, overlay } from './images';

const MIB = 2 ** 20;
const owns = (owned: number, shadowed = 0): LayerAccount => ({
  owned,
  shadowed,
  ownedData: owned,
  ownedZero: 0,
  ownedCompressed: 0,
});

function shown(images: readonly SurveyedImage[]): ReturnType<typeof present> {
  const [root] = buildFamilies({ images, unusable: [] });
  assert(root);
  return present(root);
}

describe('how a node of the tree looks', () => {
  it('tells what an image owns and when it changed', () => {
    const modified = new Date(2021, 2, 14, 9, 5).getTime();
    const { description } = shown([image('/d/a', { modified, accounts: { '/d/a': owns(12.25 * MIB) } })]);
    assert.equal(description, 'owns 12.3 MiB · 14 Mar 2021');
  });

  it('gives a range where leaves differ, and nothing before it is measured', () => {
    const between = (one: number, other: number): string | undefined =>
      ownedText(image('/d/a', { accounts: { '/d/b': owns(one), '/d/c': owns(other) } }));
    assert.equal(between(3 * MIB, MIB), '1 MiB to 3 MiB');
    assert.equal(between(MIB, MIB), '1 MiB');
    assert.equal(ownedText(image('/d/a')), undefined);
  });

  it('counts errors and warnings, not remarks, the gravest first', () => {
    const { problems, spoken } = shown([
      image('/d/a', {
        findings: [
          { code: 'w', severity: 'warning', message: 'one' },
          { code: 'i', severity: 'info', message: 'two' },
          { code: 'e', severity: 'error', message: 'three' },
          { code: 'x', severity: 'warning', message: 'four' },
        ],
      }),
    ]);
    assert.deepEqual(
      [problems.errors, problems.warnings, problems.findings.map(({ code }) => code)],
      [1, 2, ['e', 'w', 'x']],
    );
    assert.match(spoken, /1 error, 2 warnings/);
  });

  it('lets no text of an image become Markdown', () => {
    const evil = '**x** [go](command:evil) <b> ![i](http://h/p.png) `c` $(trash) http://h\u202e\n# y';
    const { tooltip, label } = shown([
      image('/d/a', {
        fileName: evil,
        findings: [{ code: 'c', severity: 'error', message: evil, advice: evil }],
        backing: evil,
      }),
    ]);
    const outsideCode = tooltip.replace(/(`+)[^`](?:.*?[^`])?\1(?!`)/gs, '');
    for (const mark of [/(?<!\\)\[go/, /(?<!\\)</, /(?<!\\)!\[/, /http:\/\//, /^# y/m, /\u202e/]) {
      assert.doesNotMatch(outsideCode, mark);
    }
    assert.doesNotMatch(label, /[\n\u202e]/);
  });

  it('tells a refused parent that the user may allow from one that is simply unusable', () => {
    const outside = orphan('/d/a', '/x', { kind: 'refused', reason: 'outside' });
    assert.equal(shown([outside]).context, 'broken.outside');
    assert.equal(shown([orphan('/d/a', '/x', { kind: 'refused', reason: 'protocol' })]).context, 'broken.refused');
    assert.equal(shown([orphan('/d/a', '/x')]).context, 'broken.missing');
  });

  it('calls only what nothing stands on the newest', () => {
    const [root] = buildFamilies({ images: [image('/d/a'), overlay('/d/b', '/d/a')], unusable: [] });
    assert(root?.children[0]);
    assert.match(present(root).spoken, /base/);
    assert.match(present(root.children[0]).spoken, /newest layer/);
  });
});
