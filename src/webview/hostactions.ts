import type { PageAction } from '../protocol/webview';

/** What the page leaves to VS Code. */
export class HostActions {
  constructor(private readonly ask: (action: PageAction) => void) {}

  openLayer(path: string): void {
    this.ask({ action: 'open-layer', path });
  }

  /** Lets a parent outside the folder be read. */
  allow(path: string): void {
    this.ask({ action: 'allow-file', path });
  }

  /** Looks for the parent that the chain lacks. */
  relocateParent(): void {
    this.ask({ action: 'relocate-parent' });
  }

  diagnose(): void {
    this.ask({ action: 'diagnose' });
  }

  commitPreview(): void {
    this.ask({ action: 'commit-preview' });
  }

  undoPreview(): void {
    this.ask({ action: 'undo-preview' });
  }

  showProblems(): void {
    this.ask({ action: 'show-problems' });
  }

  goTo(): void {
    this.ask({ action: 'go-to' });
  }

  export(): void {
    this.ask({ action: 'export' });
  }

  compare(): void {
    this.ask({ action: 'compare' });
  }

  endComparison(): void {
    this.ask({ action: 'end-comparison' });
  }

  cancelCheck(): void {
    this.ask({ action: 'cancel', work: 'check' });
  }

  refresh(): void {
    this.ask({ action: 'refresh' });
  }

  openAsRaw(): void {
    this.ask({ action: 'open-as-raw' });
  }

  openAsText(): void {
    this.ask({ action: 'open-as-text' });
  }
}
