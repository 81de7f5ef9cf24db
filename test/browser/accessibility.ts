import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Frame } from 'playwright-core';
import { repositoryRoot } from '../support/root';

/** What axe-core finds serious or critical in our page, one line each. */
export async function violations(frame: Frame): Promise<string[]> {
  // As an expression of the debugger: the page's own policy would let no script of a test in.
  await frame.evaluate(`${readFileSync(join(repositoryRoot(), 'node_modules', 'axe-core', 'axe.min.js'), 'utf8')};0`);
  const { violations: found } = await frame.evaluate((options) => {
    const { axe } = window as unknown as { axe: { run(where: Document, how: RunOptions): Promise<AxeResults> } };
    return axe.run(document, options);
  }, { resultTypes: ['violations'] } satisfies RunOptions);
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
      `${id}: ${target.join(' ')}: ${failureSummary?.replaceAll('\n', ' ') ?? ''}`));
}

/** WCAG 2 AA, for text of any size below “large”. */
const LEAST_CONTRAST = 4.5;

/** Fails unless every text on screen can be read. */
export async function assertReadable(frame: Frame): Promise<void> {
  const texts = await textContrasts(frame);
  assert.ok(texts.length > 0, 'there is text');
  assert.deepEqual(texts.filter(({ contrast }) => contrast < LEAST_CONTRAST), []);
}

/** A piece of text on screen and the contrast (WCAG 2) between it and what is behind it. */
interface TextContrast {
  readonly text: string;
  readonly where: string;
  readonly contrast: number;
}

/** Every text of our page that is on screen, by the styles that the browser computed; what is disabled is left out. */
async function textContrasts(frame: Frame): Promise<TextContrast[]> {
  return frame.evaluate(() => {
    type Color = readonly [red: number, green: number, blue: number, alpha: number];
    const parse = (text: string): Color => {
      const [red = 0, green = 0, blue = 0, alpha = 1] = [...text.matchAll(/[\d.]+/g)].map(([number]) => Number(number));
      // color(srgb …), which color-mix() gives, counts from 0 to 1.
      return text.startsWith('color') ? [red * 255, green * 255, blue * 255, alpha] : [red, green, blue, alpha];
    };
    const over = (above: Color, below: Color): Color => {
      const [alpha, rest] = [above[3], 1 - above[3]];
      const mixed = [0, 1, 2].map((at) => (above[at] ?? 0) * alpha + (below[at] ?? 0) * rest);
      return [mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0, 1];
    };
    const luminance = (color: Color): number => {
      const [red = 0, green = 0, blue = 0] = color.slice(0, 3).map((channel) => {
        const value = channel / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element | null): Color => {
      if (!element) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    const opacity = (element: Element | null): number =>
      element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
    const isShown = (element: Element): boolean =>
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
      && !element.closest('.sr-only, option, :disabled');
    return [...document.body.querySelectorAll('*')]
      .filter((element) => isShown(element)
        && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== ''))
      .map((element) => {
        const ground = behind(element);
        const [red, green, blue, alpha] = parse(getComputedStyle(element).color);
        const color = over([red, green, blue, alpha * opacity(element)], ground);
        const [light = 0, dark = 0] = [luminance(color), luminance(ground)].sort((one, other) => other - one);
        return {
          text: element.textContent.trim().slice(0, 40), where: `${element.tagName.toLowerCase()}.${element.className}`,
          contrast: (light + 0.05) / (dark + 0.05),
        };
      });
  });
}
