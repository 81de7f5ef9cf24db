import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ParentCandidate, Relocated, RelocateRequest } from '../../core/snapshots/model';
import { cardOf } from '../card';
import { message } from '../text';
import { nodePath } from '../tree/families';
import { pickLayer } from './chainPick';
import { consents, isTrusted, tellCancelled } from './consent';
import { candidateDetail, candidateLine, relocateQuestion } from './relocateWords';
import { areAnswers, chainOf, foldersAround, pathOf, settle, subject } from './world';
import type { From, SnapshotWorld } from './world';

/** What a caller answers that does not want to be asked: without a parent, candidates are looked for. */
export interface RelocateAnswers {
  /** The overlay whose parent is elsewhere now. */
  readonly image: string;
  readonly parent?: string | undefined;
  readonly parentFormat?: string | undefined;
  readonly absolute?: boolean | undefined;
  /** True to do it without showing the command first. */
  readonly confirmed?: boolean | undefined;
}

type Choice = vscode.QuickPickItem & { readonly candidate?: ParentCandidate };

const TITLE = 'Relocate Parent…';

/** Tells an overlay where its parent is now, after what speaks for each file that it may be. */
export async function relocateParent(
  world: SnapshotWorld,
  from: From | RelocateAnswers,
): Promise<Relocated | undefined> {
  if (!(await isTrusted('Relocating a parent'))) return undefined;
  const answers = areAnswers(from) ? from : undefined;
  const image = answers?.image ?? (await overlayOf(world, from as From));
  if (image === undefined) return undefined;
  const candidate = answers?.parent === undefined ? await chooseParent(world, image) : undefined;
  const parent = answers?.parent ?? candidate?.path;
  if (parent === undefined) return undefined;
  const request: RelocateRequest = {
    image,
    parent,
    parentFormat: answers?.parentFormat ?? candidate?.format,
    absolute: answers?.absolute,
  };
  return run(world, request, candidate, answers?.confirmed === true);
}

async function run(
  world: SnapshotWorld,
  request: RelocateRequest,
  candidate: Partial<ParentCandidate> | undefined,
  confirmed: boolean,
): Promise<Relocated | undefined> {
  const { image, parent } = request;
  const { maintenance } = world;
  const params = { request, policy: world.trust.policy(image) };
  const command = await maintenance.call('planRelocate', params);
  if (!confirmed && !(await consents(world, { ...relocateQuestion(request, candidate), command }))) return undefined;
  try {
    const title = `Relocating the parent of ${basename(image)}…`;
    const done = await maintenance.job('relocateParent', { ...params, qemuImg: maintenance.qemuImg }, title);
    if (done) {
      vscode.window.setStatusBarMessage(message(`${basename(image)} stands on ${basename(parent)} now`), 5000);
    } else tellCancelled('Relocating the parent');
    return done ?? undefined;
  } finally {
    await settle(world, [image, parent]);
  }
}

/** The overlay that lacks its parent: what stands on the missing one, or where the chain of the image ends. */
async function overlayOf(world: SnapshotWorld, from: From): Promise<string | undefined> {
  if (cardOf(from)) return pathOf(from);
  if (from && 'key' in from && from.kind === 'broken') {
    const overlays = from.children.flatMap((node) => nodePath(node) ?? []);
    return overlays.length < 2 ? overlays[0] : pickOverlay(overlays, from.fileName);
  }
  const path = await subject(world, from, TITLE);
  if (path === undefined) return undefined;
  const summary = await chainOf(world, path);
  if (summary.end.kind !== 'base') return summary.layers.at(-1)?.path;
  const standing = summary.layers.filter(({ backing }) => backing !== null);
  if (standing.length === 0) {
    void vscode.window.showInformationMessage(message(`${basename(path)} stands on nothing: it has no parent.`));
    return undefined;
  }
  return (await pickLayer(summary, standing, TITLE, 'The chain is whole. Whose parent is to be named anew?'))?.path;
}

async function pickOverlay(overlays: readonly string[], missing: string): Promise<string | undefined> {
  const items = overlays.map((path) => ({ label: basename(path), description: dirname(path), path }));
  const picked = await vscode.window.showQuickPick(items, {
    title: `Relocate Parent · ${missing}`,
    placeHolder: 'Several images stand on it. Which one first?',
  });
  return picked?.path;
}

async function chooseParent(
  world: SnapshotWorld,
  image: string,
): Promise<(Partial<ParentCandidate> & { readonly path: string }) | undefined> {
  const params = { image, folders: foldersAround(world, image), policy: world.trust.policy(image) };
  const found = await world.maintenance.job('findCandidates', params, `Looking for the parent of ${basename(image)}…`);
  if (!found) return undefined;
  const browse: Choice = {
    label: 'Choose a File…',
    iconPath: new vscode.ThemeIcon('folder-opened'),
    description: found.length === 0 ? 'no file was found that may be it' : 'if it is none of these',
    alwaysShow: true,
  };
  // What hardly is it is only in the way of what may be.
  const likely = found.filter(({ certainty }) => certainty !== 'unlikely');
  const items = (likely.length > 0 ? likely : found).slice(0, MOST_CANDIDATES).map((candidate): Choice => ({
    ...candidateLine(candidate, dirname(image)),
    iconPath: new vscode.ThemeIcon(ICONS[candidate.certainty]),
    detail: candidateDetail(candidate),
    candidate,
  }));
  const between: Choice[] = items.length === 0 ? [] : [{ label: '', kind: vscode.QuickPickItemKind.Separator }];
  const picked = await vscode.window.showQuickPick([...items, ...between, browse], {
    title: `Relocate Parent · ${basename(image)}`,
    placeHolder: 'Which file did it stand on? A wrong one makes a corrupt disk, and nothing tells',
    matchOnDescription: true,
  });
  return picked && (picked.candidate ?? (await askFile(image)));
}

const MOST_CANDIDATES = 30;

const ICONS: Readonly<Record<ParentCandidate['certainty'], string>> = {
  certain: 'pass-filled',
  likely: 'pass',
  possible: 'question',
  unlikely: 'circle-slash',
};

async function askFile(image: string): Promise<{ readonly path: string } | undefined> {
  const [picked] =
    (await vscode.window.showOpenDialog({
      title: `The Parent of ${basename(image)}`,
      openLabel: 'Choose',
      canSelectMany: false,
      defaultUri: vscode.Uri.file(dirname(image)),
    })) ?? [];
  return picked && { path: picked.fsPath };
}
