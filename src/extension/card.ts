/** What a context menu on a layer's card tells a command: the page's `data-vscode-context`. */
export interface Card {
  readonly webviewSection: 'vmDisk.layer';
  readonly path: string;
  readonly depth: number;
}

export const cardOf = (from: unknown): Card | undefined =>
  (from as Partial<Card> | undefined)?.webviewSection === 'vmDisk.layer' ? (from as Card) : undefined;
