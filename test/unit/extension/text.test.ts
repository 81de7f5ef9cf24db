import assert from 'node:assert/strict';
import { code, markdown, message, plain } from '../../../src/extension/text';

describe('text that an image controls', () => {
  it('shows control characters and those that reorder text', () => {
    assert.equal(plain('a\nb\u202ec\u0000'), 'a\\u{a}b\\u{202e}c\\u{0}');
    assert.equal(plain('ready, größer, 日本'), 'ready, größer, 日本');
  });

  it('cuts what is very long', () => {
    assert.ok(plain('x'.repeat(100_000)).length < 1000);
  });

  it('is never a link in a notification', () => {
    const names = ['[x](command:a)', '[a]](https://b)', '[[x](command:a)](command:b)', '[x]\u200b(command:a)', '](](](('];
    for (const name of names) assert.ok(!message(name).includes(']('), message(name));
    assert.equal(message('disk [1] (old).qcow2'), 'disk [1] (old).qcow2');
  });

  it('escapes every mark of Markdown', () => {
    assert.equal(markdown('a*b_[c](d)<e>`f`'), 'a\\*b\\_\\[c\\]\\(d\\)\\<e\\>\\`f\\`');
  });

  it('fences code with more backticks than it holds', () => {
    assert.equal(code('plain'), '`plain`');
    assert.equal(code('a``b'), '``` a``b ```');
  });
});
