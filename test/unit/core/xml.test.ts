import assert from 'node:assert/strict';
import { childrenNamed, parseXml, textOf } from '../../../src/core/xml';

describe('XML of a platform', () => {
  it('is a tree of names without their prefixes', () => {
    const root = parseXml('<?xml version="1.0"?><a:b xmlns:a="u" a:id="1"><c>x &amp; <![CDATA[<y>]]></c><c/></a:b>');
    assert.equal(root?.name, 'b');
    assert.equal(root.attributes.get('id'), '1');
    assert.equal(textOf(root, 'c'), 'x & <y>');
    assert.equal(childrenNamed(root, 'c').length, 2);
  });

  const hostile: Readonly<Record<string, () => string>> = {
    'a bomb of entities': () => {
      const levels = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`);
      return `<!DOCTYPE a [<!ENTITY e0 "boom">${levels.join('')}]><a>&e9;</a>`;
    },
    'an entity of a file': () => '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>',
    'a hundred thousand elements in each other': () => '<a>'.repeat(100_000),
    'closed ones in each other, deeper than any of these files': () => `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`,
    'more elements than are read': () => `<a>${'<b/>'.repeat(200_001)}</a>`,
    'more text than is read': () => `<a>${'x'.repeat(9 << 20)}</a>`,
    'what is cut off': () => '<a><b>x</b>',
    'what does not match': () => '<a><b></a></b>',
    'two roots': () => '<a/><b/>',
    'an attribute twice': () => '<a b="1" b="2"/>',
    'control characters': () => '<a>\u0001</a>',
  };
  for (const [name, text] of Object.entries(hostile)) {
    it(`is not taken: ${name}`, () => {
      const start = Date.now();
      assert.equal(parseXml(text()), undefined);
      assert(Date.now() - start < 5000, 'at once');
    });
  }

  it('may use names that every object has', () => {
    const root = parseXml('<constructor __proto__="1"><toString>x</toString></constructor>');
    assert.equal(root?.attributes.get('__proto__'), '1');
    assert.equal(textOf(root, 'toString'), 'x');
  });
});
