import * as vscode from 'vscode';
import type { WireError } from '../core/errors';
import type { Severity } from '../core/model';
import { formatOffset } from '../core/units';
import type { LayerSummary, OpenResult } from '../protocol/image';
import { checkProblems } from './checkProblems';
import type { DetailedFinding } from './checkProblems';
import { plain, sentence } from './text';

const SEVERITY: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};
const START = new vscode.Range(0, 0, 0, 0);

/**
 * Findings of the images that are open in an editor, in the Problems panel, at the file each is about. The tree marks
 * its own: a folder of a thousand images does not fill the panel. A layer that stands under two open images is told of
 * once.
 */
export class Problems implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('vmDisk');
  /** What has an image open → file → what is said of it. One image may be open in two ways at once. */
  private readonly byHolder = new Map<object, ReadonlyMap<string, readonly DetailedFinding[]>>();

  dispose(): void {
    this.collection.dispose();
  }

  /** @param holder what has the image open, until it is cleared */
  set(holder: object, image: vscode.Uri, result: OpenResult): void {
    this.replace(holder, findingsOf(image, result));
  }

  clear(holder: object): void {
    this.replace(holder, new Map());
  }

  private replace(holder: object, findings: ReadonlyMap<string, readonly DetailedFinding[]>): void {
    const touched = new Set([...(this.byHolder.get(holder)?.keys() ?? []), ...findings.keys()]);
    if (findings.size > 0) this.byHolder.set(holder, findings);
    else this.byHolder.delete(holder);
    for (const file of touched) {
      const told = new Map<string, vscode.Diagnostic>();
      for (const files of this.byHolder.values()) {
        for (const finding of files.get(file) ?? [])
          told.set(JSON.stringify(finding), diagnostic(vscode.Uri.parse(file).fsPath, finding));
      }
      this.collection.set(vscode.Uri.parse(file), [...told.values()]);
    }
  }
}

function findingsOf(image: vscode.Uri, result: OpenResult): Map<string, readonly DetailedFinding[]> {
  switch (result.kind) {
    case 'image':
      return new Map(
        result.summary.layers
          .map((layer) => [vscode.Uri.file(layer.path).toString(), toldOf(layer)] as const)
          .filter(([, findings]) => findings.length > 0),
      );
    case 'failed':
      return new Map([[image.toString(), [asFinding(result.error)]]]);
    case 'not-an-image':
      return new Map();
  }
}

const toldOf = ({ findings, check, views }: LayerSummary): readonly DetailedFinding[] =>
  check ? [...findings, ...checkProblems(check, views)] : findings;

function asFinding({ code, message, advice, offset }: WireError): DetailedFinding {
  return { code, severity: 'error', message, advice, offset };
}

function diagnostic(
  file: string,
  { code, severity, message, advice, offset, details = [] }: DetailedFinding,
): vscode.Diagnostic {
  const place = offset === undefined ? '' : ` (at ${formatOffset(offset)} of the file)`;
  const lines = [...details, ...(advice === undefined ? [] : [advice])].map((line) => `\n${plain(line)}`);
  const text = plain(sentence(message)) + place + lines.join('');
  const made = new vscode.Diagnostic(START, text, SEVERITY[severity]);
  made.source = 'VM Disk';
  made.code = { value: code, target: remedyLink(file, code) };
  return made;
}

/** A binary file has no text for a quick fix to stand at: what mends it is behind the problem's code. */
function remedyLink(file: string, code: string): vscode.Uri {
  const [command, args] =
    code === 'parent-missing'
      ? (['vmDisk.relocateParent', { image: file }] as const)
      : (['vmDisk.diagnoseChain', { paths: [file] }] as const);
  // However often it is decoded on its way, a path stays what it is.
  const query = JSON.stringify([args]).replaceAll('%', '\\u0025');
  return vscode.Uri.from({ scheme: 'command', path: command, query });
}
