import type { Browser } from 'playwright-core';

export function launchBrowser(options?: { readonly progress?: (line: string) => void }): Promise<Browser>;
