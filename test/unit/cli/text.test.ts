import assert from 'node:assert/strict';
import { bar, pad, plain, table, widthOf } from '../../../src/cli/text';

describe('text for a terminal', () => {
  it("has no control characters of an image's names", () => {
    assert.equal(plain('bäse 基.qcow2'), 'bäse 基.qcow2');
    assert.equal(plain('a\u001b[2Jb\nc\u009b31md\u0000'), 'a\ufffd[2Jb\ufffdc\ufffd31md\ufffd');
    assert.equal(plain('evil\u202egpj.exe'), 'evil\ufffdgpj.exe');
    assert.equal(plain('a\u061cb\u2028c\u2029d\u{e0041}e'), 'a\ufffdb\ufffdc\ufffdd\ufffde');
  });

  it('is as wide as a terminal shows it', () => {
    assert.deepEqual(
      ['', 'abc', 'ä', 'a\u0308', '基', 'é基', '😀', '\u001b[1mab\u001b[0m', '█░'].map(widthOf),
      [0, 3, 1, 1, 2, 3, 2, 2, 2],
    );
    assert.equal(pad('基', 4), '基  ');
    assert.equal(pad('12', 5, 'right'), '   12');
    assert.equal(pad('too long', 3), 'too long');
  });

  it('stands in columns, without those that are empty', () => {
    const columns = [{ title: 'Name' }, { title: 'Nothing' }, { title: 'Size', align: 'right' }] as const;
    assert.deepEqual(
      table(columns, [
        ['a', '', '1'],
        ['基基基', '', '12345'],
      ]),
      ['Name     Size', 'a           1', '基基基  12345'],
    );
  });
});

describe('a bar', () => {
  const told = (solid: number, hatched: number, full = 100): string => bar(solid, hatched, full, 10);

  it('is as long as its parts', () => {
    assert.deepEqual(
      [told(50, 20), told(100, 0), told(0, 100), told(0, 0)],
      ['█████░░', '██████████', '░░░░░░░░░░', ''],
    );
  });

  it('shows what is not nothing', () => {
    assert.deepEqual([told(1, 0), told(0, 1), told(1, 1), told(0.001, 99.9)], ['█', '░', '█░', '█░░░░░░░░░']);
  });

  it('is never longer than there is room, nor hides one part behind the other', () => {
    assert.deepEqual([told(99.9, 0.1), told(100, 100), told(50, 50)], ['█████████░', '█████████░', '█████░░░░░']);
    assert.equal(told(5, 5, 0), '');
  });
});
