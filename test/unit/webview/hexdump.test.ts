import assert from 'node:assert/strict';
import { allZero, dumpLines, dumpText } from '../../../src/webview/hexdump';

const BYTES = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0x20, 0x7e, 0x00, 0xff, 0x41, 0x42]);

describe('bytes as people read them', () => {
  it('stand in lines with what can be printed of them', () => {
    assert.deepEqual(dumpLines(BYTES, 8), [
      { offset: 0, hex: ['7f', '45', '4c', '46', '20', '7e', '00', 'ff'], ascii: '.ELF ~..' },
      { offset: 8, hex: ['41', '42'], ascii: 'AB' },
    ]);
  });

  it('leave out what can’t be read', () => {
    const [line] = dumpLines(BYTES, 4, [{ start: 1, end: 3, why: 'encrypted' }]);
    assert.deepEqual(line, { offset: 0, hex: ['7f', '..', '..', '46'], ascii: '.  F' });
  });

  it('leave out several gaps, also those that reach past the end', () => {
    const gaps = [{ start: 0, end: 1, why: 'a' }, { start: 3, end: 99, why: 'b' }];
    assert.deepEqual(dumpLines(BYTES.subarray(0, 5), 8, gaps).map(({ hex }) => hex), [['..', '45', '4c', '..', '..']]);
  });

  it('are copied with their offsets, each line as wide as the others', () => {
    const text = dumpText(Uint8Array.from({ length: 18 }, () => 0x41), 0x1000);
    assert.equal(text, [
      '00001000  41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41  AAAAAAAAAAAAAAAA',
      '00001010  41 41                                            AA',
    ].join('\n'));
  });

  it('are known to be all zero only when all of them are read', () => {
    const gap = { start: 0, end: 1, why: 'encrypted' };
    assert.equal(allZero({ offset: 0, bytes: new Uint8Array(64), gaps: [] }), true);
    assert.equal(allZero({ offset: 0, bytes: new Uint8Array(64), gaps: [gap] }), false);
    assert.equal(allZero({ offset: 0, bytes: Uint8Array.of(0, 1), gaps: [] }), false);
    assert.equal(allZero({ offset: 0, bytes: new Uint8Array(0), gaps: [] }), false);
  });
});
