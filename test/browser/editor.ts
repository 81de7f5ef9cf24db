import { strict as assert } from 'node:assert';
import type { Frame, Locator, Page } from 'playwright-core';
import { until } from './eventually';
import { editorFrame, openImage } from '../../scripts/vscode/workbench.mjs';
import { readSize } from './text';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A cell of the map, as the tooltip tells of it. */
export interface HoveredCell {
  readonly point: Point;
  readonly start: number;
  readonly end: number;
}

/** What a card of the stack says. */
export interface CardText {
  readonly name: string;
  readonly format: string;
  readonly file: string;
  readonly owns: string;
}

/** Our editor as a person has it on screen: what it says, and where to point. Points are CSS pixels of the map. */
export class Editor {
  constructor(
    readonly page: Page,
    readonly frame: Frame,
  ) {}

  /** Opens an image from the Explorer and waits until its layers are counted. */
  static async open({ page }: { readonly page: Page }, path: string): Promise<Editor> {
    const editor = new Editor(page, await openImage(page, path));
    await editor.counted();
    return editor;
  }

  /** The editor in front, once its layers are counted. */
  static async inFront({ page }: { readonly page: Page }): Promise<Editor> {
    const editor = new Editor(page, await editorFrame(page));
    await editor.counted();
    return editor;
  }

  /** Waits until every layer that counts has its numbers. */
  async counted(): Promise<void> {
    await this.frame.locator('.card').first().waitFor();
    await until('the layers are counted', () => this.frame.locator('.card-owns').allTextContents(),
      (texts) => texts.every((text) => text !== '' && text !== 'reading…'));
  }

  /** Waits until the map shows what it was asked for. */
  async drawn(): Promise<void> {
    await this.frame.locator('.map-canvas[aria-busy="false"]').waitFor();
  }

  get map(): Locator {
    return this.frame.locator('.map-canvas');
  }

  get overview(): Locator {
    return this.frame.locator('.overview-canvas');
  }

  /** The card of a layer by its name. */
  card(name: string): Locator {
    const named = this.frame.locator('.card-name').getByText(name, { exact: true });
    return this.frame.locator('.card').filter({ has: named });
  }

  /** What is pressed to pick a layer out. */
  picker(name: string): Locator {
    return this.card(name).locator('.card-main');
  }

  async isPicked(name: string): Promise<boolean> {
    return (await this.picker(name).getAttribute('aria-pressed')) === 'true';
  }

  async hasFocus(element: Locator): Promise<boolean> {
    return element.evaluate((each) => document.hasFocus() && each === document.activeElement);
  }

  /** The field in which VS Code asks for something. */
  get question(): Locator {
    return this.page.locator('.quick-input-widget:visible input[type="text"]');
  }

  /** Answers what VS Code asks for. */
  async answer(text: string): Promise<void> {
    await this.question.waitFor();
    await this.question.fill(text);
    await this.page.keyboard.press('Enter');
    await this.question.waitFor({ state: 'hidden' });
  }

  /** Goes to an offset by the keyboard, as it is written. */
  async goTo(offset: string): Promise<void> {
    await this.map.focus();
    await this.page.keyboard.press('Control+g');
    await this.answer(offset);
  }

  button(name: string | RegExp): Locator {
    return this.frame.getByRole('button', { name, exact: true });
  }

  async cards(): Promise<CardText[]> {
    return this.frame.locator('.card:not(.end)').evaluateAll((cards) => cards.map((card) => {
      const text = (look: string): string => card.querySelector(look)?.textContent ?? '';
      return {
        name: text('.card-name'), format: text('.card-format'), file: text('.card-file'), owns: text('.card-owns'),
      };
    }));
  }

  /** What the inspector says of the selected block, by label; empty while nothing is selected. */
  async block(): Promise<Readonly<Record<string, string>>> {
    return this.frame.locator('.inspector-body').evaluate((body) => {
      const list = body.firstElementChild;
      if (!list?.matches('dl.values')) return {};
      return Object.fromEntries([...list.querySelectorAll('dt')].map((label) => {
        const value = label.nextElementSibling?.cloneNode(true) as Element;
        for (const button of value.querySelectorAll('button.word')) button.remove();
        return [label.textContent, value.textContent];
      }));
    });
  }

  /** The guest offset of the selected block; undefined while nothing is selected. */
  async selected(): Promise<number | undefined> {
    const offset = (await this.block())['Guest offset'];
    return offset === undefined ? undefined : Number(offset.replaceAll('_', ''));
  }

  /** Selects nothing. Escape first gives up what is picked out. */
  async deselect(): Promise<void> {
    await this.map.focus();
    while ((await this.selected()) !== undefined) await this.page.keyboard.press('Escape');
    await this.pointAway();
  }

  /** The lines of “How a read gets there”. */
  async walk(): Promise<string[]> {
    return this.frame.locator('.walk .step-title').allTextContents();
  }

  /** The bytes of the inspector's dump. */
  async bytes(): Promise<Uint8Array> {
    const pairs = await this.frame.locator('.inspector .dump-hex > span').allTextContents();
    return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  }

  /** What was announced last to somebody who does not see the page. */
  async announced(): Promise<string> {
    return (await this.frame.locator('[role="status"][aria-live]').textContent()) ?? '';
  }

  /** The size of one cell of the map in bytes, from the line above it. */
  async cellBytes(): Promise<number> {
    const scale = (await this.frame.locator('.scale').textContent()) ?? '';
    return readSize(/^1 cell = (.*? (?:bytes?|[KMGT]iB))/.exec(scale)?.[1] ?? '');
  }

  /** True while the whole disk is on the map. */
  async isWhole(): Promise<boolean> {
    return this.button('whole disk').isDisabled();
  }

  /** The layer's name in “As of”. */
  async asOf(): Promise<string> {
    return this.frame.locator('#as-of').evaluate((chooser) => {
      const { selectedOptions } = chooser as HTMLSelectElement;
      return selectedOptions[0]?.textContent ?? '';
    });
  }

  async mapSize(): Promise<{ readonly width: number; readonly height: number }> {
    return this.map.evaluate(({ clientWidth, clientHeight }) => ({ width: clientWidth, height: clientHeight }));
  }

  /** Where a point of the map is on the page. */
  async onPage({ x, y }: Point): Promise<Point> {
    // The page may still be on its way back from the table.
    await this.map.waitFor();
    const box = await this.map.boundingBox();
    assert.ok(box, 'the map is on screen');
    return { x: box.x + x, y: box.y + y };
  }

  async pointAt(point: Point): Promise<void> {
    const { x, y } = await this.onPage(point);
    await this.page.mouse.move(x, y);
  }

  /** Moves the pointer off the map, so that nothing on it is marked. */
  async pointAway(): Promise<void> {
    await this.frame.locator('.file-name').hover();
  }

  async click(point: Point): Promise<void> {
    const { x, y } = await this.onPage(point);
    await this.page.mouse.click(x, y);
  }

  /** Turns the wheel, away from the person where `notches` is negative. */
  async wheel(point: Point, notches: number): Promise<void> {
    await this.pointAt(point);
    for (let notch = 0; notch < Math.abs(notches); notch += 1) await this.page.mouse.wheel(0, Math.sign(notches) * 100);
  }

  /** The cell under a point, by pointing at it; undefined where there is none. */
  async cellAt(point: Point): Promise<HoveredCell | undefined> {
    await this.pointAt(point);
    const [start, size] = await this.frame.locator('.tooltip.shown .tooltip-range > span').allTextContents();
    if (start === undefined || size === undefined) return undefined;
    const from = Number(start.replaceAll('_', ''));
    return { point, start: from, end: from + readSize(size) };
  }
}
