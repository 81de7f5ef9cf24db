import type { Browser, Frame, Page } from 'playwright-core';

/** Colour themes by a short name. */
export const THEMES: Readonly<Record<'dark' | 'light' | 'hc' | 'hc-light', string>>;

export interface WorkbenchOptions {
  readonly width?: number;
  readonly height?: number;
  /** Device pixels per CSS pixel. */
  readonly scale?: number;
  /** Waited for; the server's settings choose it. */
  readonly theme?: 'dark' | 'light' | 'hc' | 'hc-light';
  /** Called before the page loads anything. */
  readonly onPage?: (page: Page) => void | Promise<void>;
}

export function testSettings(options?: { readonly theme?: string; readonly trust?: boolean }): Record<string, unknown>;
export function openWorkbench(browser: Browser, url: string, options?: WorkbenchOptions): Promise<Page>;
/** `path` is relative to the workspace folder, with `/`. */
export function openFromExplorer(page: Page, path: string): Promise<void>;
export function openImage(page: Page, path: string): Promise<Frame>;
export function editorFrame(page: Page): Promise<Frame>;
export function runCommand(page: Page, title: string): Promise<void>;
/** Answers the dialog that asks whether the folder's authors are trusted. */
export function answerTrust(page: Page, trusted: boolean): Promise<void>;
export function clearNotifications(page: Page): Promise<void>;
export function settle(page: Page, options?: { readonly quiet?: number; readonly limit?: number }): Promise<void>;
