import * as vscode from 'vscode';
import type { WorkerCalls, WorkName } from '../../protocol/worker';
import type { ImageDocument } from '../editor/document';
import { message } from '../text';

export interface WorkLook {
  /** What is going on, for the notification. */
  readonly title: string;
  /** The page shows how far it is, and can cancel it: the window's status bar is enough then. */
  readonly quiet?: boolean;
}

/**
 * Has an image's worker do something that takes a while, with its progress and a way to cancel it on screen.
 * @returns null when it was cancelled
 */
export async function runWork<N extends WorkName>(
  document: ImageDocument,
  work: N,
  params: WorkerCalls[N]['params'],
  { title, quiet = false }: WorkLook,
): Promise<WorkerCalls[N]['result']> {
  const { Notification, Window } = vscode.ProgressLocation;
  return vscode.window.withProgress(
    { location: quiet ? Window : Notification, title: message(title), cancellable: !quiet },
    async (progress, cancelled) => {
      let told = 0;
      const listening = [
        cancelled.onCancellationRequested(() => void document.call('cancel', { work })),
        document.onDidWork(({ work: which, share }) => {
          if (which !== work || share === null || share <= told) return;
          progress.report({ increment: (share - told) * 100, message: `${Math.floor(share * 100)} %` });
          told = share;
        }),
      ];
      try {
        return await document.work(work, params);
      } finally {
        for (const listener of listening) listener.dispose();
      }
    },
  );
}
