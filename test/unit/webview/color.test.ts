import assert from 'node:assert/strict';
import {
  composite, contrast, cssColor, lightness, mix, parseColor, toOklch, withLightness,
} from '../../../src/webview/color';
import type { Rgb } from '../../../src/webview/color';

const rgb = (text: string): Rgb => parseColor(text) ?? assert.fail(text);
const near = (actual: number, expected: number, within: number): void => {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);
};

describe('colours', () => {
  it('are read in the forms that VS Code writes', () => {
    assert.deepEqual(parseColor('#fa0'), { r: 255, g: 170, b: 0, a: 1 });
    assert.deepEqual(parseColor(' #1f1F1f '), { r: 31, g: 31, b: 31, a: 1 });
    assert.deepEqual(parseColor('#00000080'), { r: 0, g: 0, b: 0, a: 128 / 255 });
    assert.deepEqual(parseColor('#0008'), { r: 0, g: 0, b: 0, a: 136 / 255 });
    assert.deepEqual(parseColor('rgba(90, 93, 94, 0.31)'), { r: 90, g: 93, b: 94, a: 0.31 });
    assert.deepEqual(parseColor('rgb(1 2 3)'), { r: 1, g: 2, b: 3, a: 1 });
  });

  it('are not read from anything else', () => {
    for (const text of ['', 'red', '#12', '#12345', '#1234567', 'rgb(1, 2)', 'rgb(a, b, c)']) {
      assert.equal(parseColor(text), undefined, text);
    }
  });

  it('are written so that they can be read again', () => {
    for (const text of ['#838ba8', '#000000', 'rgba(1, 2, 3, 0.5)']) assert.equal(cssColor(rgb(text)), text);
  });

  it('have the lightness of CIE L*', () => {
    near(lightness(rgb('#ffffff')), 100, 0.01);
    near(lightness(rgb('#000000')), 0, 0.01);
    near(lightness(rgb('#ff0000')), 53.24, 0.01);
    near(lightness(rgb('#777777')), 50.03, 0.01);
  });

  it('have the contrast of WCAG', () => {
    near(contrast(rgb('#ffffff'), rgb('#000000')), 21, 0.001);
    near(contrast(rgb('#767676'), rgb('#ffffff')), 4.54, 0.01);
  });

  it('lie where OKLCH has them', () => {
    const red = toOklch(rgb('#ff0000'));
    near(red.l, 0.628, 0.001);
    near(red.c, 0.2577, 0.001);
    near(red.h, 29.23, 0.05);
  });

  it('are found by their lightness, with less chroma where sRGB has no more', () => {
    for (const [level, hue] of [[25, 30], [50, 150], [75, 250], [95, 90]] as const) {
      near(lightness(withLightness(level, 0.3, hue)), level, 0.6);
    }
    near(toOklch(withLightness(60, 0.1, 200)).h, 200, 2);
  });

  it('mix and lie upon each other', () => {
    assert.deepEqual(mix(rgb('#000000'), rgb('#ffffff'), 0.2), rgb('#333333'));
    assert.deepEqual(composite(rgb('#ffffff33'), rgb('#000000')), rgb('#333333'));
  });
});
