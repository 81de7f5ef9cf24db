import { composite, mix, parseColor } from './color';
import type { Rgb } from './color';
import { COLOR_IDS, defaultColor } from './palette';
import type { Palette, ThemeKind } from './palette';

/** How much of the foreground is in quiet text; the style sheet has the same share. */
const QUIET = 0.72;

/** Which of VS Code's four kinds of theme the page is shown in. */
function themeKind(): ThemeKind {
  const { classList } = document.body;
  if (classList.contains('vscode-high-contrast-light')) return 'highContrastLight';
  if (classList.contains('vscode-high-contrast')) return 'highContrast';
  return classList.contains('vscode-light') ? 'light' : 'dark';
}

/** The theme's colours as the page has them now: VS Code's own, and ours or their defaults. */
export function readPalette(): Palette {
  const kind = themeKind();
  const style = getComputedStyle(document.body);
  const themed = (name: string): Rgb | undefined => parseColor(style.getPropertyValue(`--vscode-${name}`));
  const highContrast = kind === 'highContrast' || kind === 'highContrastLight';
  const dark = kind === 'dark' || kind === 'highContrast';
  const white: Rgb = { r: 255, g: 255, b: 255, a: 1 };
  const black: Rgb = { r: 0, g: 0, b: 0, a: 1 };
  const background = themed('editor-background') ?? (dark ? black : white);
  const solid = (color: Rgb): Rgb => composite(color, background);
  const own = Object.fromEntries(COLOR_IDS.map((id) =>
    [id, solid(themed(id.replace('.', '-')) ?? defaultColor(id, kind))])) as Palette['own'];
  const foreground = solid(themed('foreground') ?? (dark ? white : black));
  return {
    kind,
    highContrast,
    background,
    foreground,
    quiet: highContrast ? foreground : mix(background, foreground, QUIET),
    accent: solid(themed('focusBorder') ?? foreground),
    nobody: own['vmDisk.nobody'],
    unknown: own['vmDisk.unknown'],
    invalid: own['vmDisk.invalid'],
    selection: own['vmDisk.selection'],
    stops: {
      base: own['vmDisk.layerBase'],
      older: own['vmDisk.layerOlder'],
      newer: own['vmDisk.layerNewer'],
      newest: own['vmDisk.layerNewest'],
    },
    own,
  };
}

/** Calls back when VS Code changes the theme: it rewrites the classes of the body and the variables of the root. */
export function onThemeChange(listener: () => void): void {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
}
