import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contrast, lightness, parseColor } from '../../../src/webview/color';
import type { Rgb } from '../../../src/webview/color';
import { chainColors, COLOR_DEFAULTS, defaultColor, DISTINCT_LAYERS, layerColors } from '../../../src/webview/palette';
import type { Stops, ThemeKind } from '../../../src/webview/palette';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const THEMES: readonly ThemeKind[] = ['dark', 'light', 'highContrast', 'highContrastLight'];

const stopsOf = (kind: ThemeKind): Stops => ({
  base: defaultColor('vmDisk.layerBase', kind), older: defaultColor('vmDisk.layerOlder', kind),
  newer: defaultColor('vmDisk.layerNewer', kind), newest: defaultColor('vmDisk.layerNewest', kind),
});

/**
 * What people see who lack one kind of cone: matrices on linear RGB from Machado, Oliveira and Fernandes, “A
 * Physiologically-based Model for Simulation of Color Vision Deficiency” (2009), at full severity.
 */
const EYES = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};

function seen({ r, g, b }: Rgb, eyes: keyof typeof EYES): Rgb {
  const linear = [r, g, b].map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [red = 0, green = 0, blue = 0] = EYES[eyes].map((row) => {
    const value = Math.min(1, Math.max(0, row.reduce((sum, share, index) => sum + share * (linear[index] ?? 0), 0)));
    return 255 * (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);
  });
  return { r: red, g: green, b: blue, a: 1 };
}

describe('the colours of a file’s uses', () => {
  /** What tells a solid colour from the next; a pattern tells more than a colour. */
  const PLAIN = [
    'vmDisk.fileHeader', 'vmDisk.fileL1', 'vmDisk.fileL2', 'vmDisk.fileRefcounts', 'vmDisk.fileData',
    'vmDisk.fileSnapshotTables', 'vmDisk.fileSnapshotData', 'vmDisk.fileBitmaps', 'vmDisk.fileEncryption',
  ] as const;
  const GROUND = { dark: '#1F1F1F', light: '#FFFFFF', highContrast: '#000000', highContrastLight: '#FFFFFF' };

  for (const kind of THEMES) {
    it(`differ from each other: ${kind}`, () => {
      const apart = (one: Rgb, other: Rgb): number => Math.hypot(one.r - other.r, one.g - other.g, one.b - other.b);
      PLAIN.forEach((id, index) => {
        for (const other of PLAIN.slice(index + 1)) {
          const distance = apart(defaultColor(id, kind), defaultColor(other, kind));
          assert.ok(distance >= 50, `${id} and ${other}: ${distance.toFixed(0)}`);
        }
      });
    });

    it(`stand out from the ground, as does what marks a cell: ${kind}`, () => {
      const ground = parseColor(GROUND[kind]) ?? assert.fail();
      for (const id of [...PLAIN, 'vmDisk.fileLeaked', 'vmDisk.different', 'vmDisk.damaged'] as const) {
        // WCAG 2.2, 1.4.11: 3:1 for what has to be seen; data is the quiet ground of a file's map.
        const least = id === 'vmDisk.fileData' || id === 'vmDisk.fileSnapshotData' ? 2 : 3;
        const ratio = contrast(defaultColor(id, kind), ground);
        assert.ok(ratio >= least, `${id}: ${ratio.toFixed(2)}`);
      }
    });
  }
});

describe('the colours of the layers', () => {
  for (const kind of THEMES) {
    for (const eyes of Object.keys(EYES) as (keyof typeof EYES)[]) {
      it(`differ in lightness from layer to layer: ${kind}, ${eyes}`, () => {
        for (let count = 2; count <= DISTINCT_LAYERS; count += 1) {
          const levels = layerColors(count, stopsOf(kind)).map((color) => lightness(seen(color, eyes)));
          levels.slice(1).forEach((level, index) => {
            const apart = Math.abs(level - (levels[index] ?? 0));
            assert.ok(apart >= 12, `${count} layers, ${index} and ${index + 1}: ${apart.toFixed(1)}`);
          });
        }
      });
    }
  }

  it('are the stops themselves for up to four layers', () => {
    const { base, older, newer, newest } = stopsOf('dark');
    assert.deepEqual(layerColors(1, stopsOf('dark')), [newest]);
    assert.deepEqual(layerColors(2, stopsOf('dark')), [newest, base]);
    assert.deepEqual(layerColors(3, stopsOf('dark')), [newest, older, base]);
    assert.deepEqual(layerColors(4, stopsOf('dark')), [newest, newer, older, base]);
  });

  it('run evenly from newest to base where layers are many', () => {
    const levels = layerColors(60, stopsOf('light')).map(lightness);
    assert.equal(levels.length, 60);
    // From 32.2 to 65.7 in 59 steps of 0.57; rounding to 8 bits moves a level by less than half a unit.
    levels.forEach((level, depth) => {
      assert.ok(Math.abs(level - (32.2 + (33.5 * depth) / 59)) < 0.6, `${depth}: ${level}`);
    });
  });

  it('keep the base’s for a base: a broken chain has none', () => {
    const layers = [1, 2, 3].map(() => ({})) as unknown as Parameters<typeof chainColors>[0]['layers'];
    const { older, newer, newest } = stopsOf('dark');
    const end = { kind: 'missing', written: '', name: '', message: '' } as const;
    assert.deepEqual(chainColors({ layers, end }, stopsOf('dark')), [newest, newer, older]);
  });

  it('are those that the manifest contributes', () => {
    const { contributes } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      contributes: { colors: { id: string; defaults: Record<string, string> }[] };
    };
    assert.deepEqual(Object.fromEntries(contributes.colors.map(({ id, defaults }) => [id, defaults])), COLOR_DEFAULTS);
  });

  it('are those that the style sheet falls back on', () => {
    const css = readFileSync(join(ROOT, 'media', 'webview.css'), 'utf8').toLowerCase();
    const blocks: Record<ThemeKind, string> = {
      dark: ':root', light: '.vscode-light', highContrast: '.vscode-high-contrast',
      highContrastLight: '.vscode-high-contrast-light',
    };
    for (const kind of THEMES) {
      for (const id of ['vmDisk.nobody', 'vmDisk.unknown', 'vmDisk.invalid', 'vmDisk.different', 'vmDisk.damaged'] as const) {
        const rules = [...css.matchAll(/^(\S+) \{\n([^}]*)\}/gm)].filter(([, selector]) => selector === blocks[kind]);
        const value = COLOR_DEFAULTS[id][kind].toLowerCase();
        const line = `var(--vscode-${id.replace('.', '-').toLowerCase()}, ${value})`;
        assert.ok(rules.some(([, , body]) => body?.includes(line)), `${kind}: ${line}`);
      }
    }
  });
});
