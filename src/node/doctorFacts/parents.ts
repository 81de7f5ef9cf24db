import * as fs from 'node:fs';
import * as path from 'node:path';
import type { ByteSource, ContentFacts, FileReference, OpenedSource, ParentFacts } from '../../core';
import { DiskError, isWindowsAbsolute, probeInput, sniff } from '../../core';
import type { SurveyedImage } from '../../protocol/image';
import { THIS_SYSTEM } from '../files';
import type { FileGate } from '../gate';
import { headerOf } from '../imageHeader';
import { locate } from '../hostPath';

/** What is to be known of an image's parent, candidates for a missing one left to whoever asks for them. */
export function parentFacts(image: SurveyedImage, gate: FileGate): ParentFacts | undefined {
  const reference = referenceOf(image, gate);
  if (!reference) return undefined;
  const { parent } = image;
  const { written, format } = reference;
  const common = { written, recorded: recordedFormat(image), candidates: [] };
  if (parent?.kind === 'found') {
    return { ...common, state: 'found', id: parent.id, path: parent.path, content: contentOf(reference, image, gate) };
  }
  if (!parent) return undefined;
  const place = placeOf(reference, image);
  const beside = parent.kind === 'missing' ? besideOf(reference, image, place, gate) : undefined;
  return {
    ...common,
    recorded: common.recorded ?? format,
    state: parent.kind,
    path: place,
    message: parent.message,
    reason: parent.reason,
    content: parent.kind === 'refused' ? contentOf(reference, image, gate) : undefined,
    foreign: parent.kind === 'missing' ? foreignness(reference, place, beside !== undefined) : undefined,
    beside,
  };
}

/** As the image's own header has it: what a "json:" name says of the format is not recorded there. */
function recordedFormat({ facts }: SurveyedImage): string | undefined {
  const value = facts.find(({ label }) => label === 'Backing format')?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The parent as the image names it; undefined for a base, and where the file is no longer that image. */
function referenceOf({ path: file, format }: SurveyedImage, gate: FileGate): FileReference | undefined {
  return withSource(
    () => gate.openFound(file),
    (opened) => headerOf(opened, format).parent,
  );
}

/** Undefined where the file can't be opened or read: whoever asks goes on without. */
function withSource<T>(open: () => OpenedSource, use: (opened: OpenedSource) => T): T | undefined {
  let source: ByteSource | undefined;
  try {
    const opened = open();
    ({ source } = opened);
    return use(opened);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  } finally {
    source?.close();
  }
}

/** The parent's bytes, opened as the gate allows. */
function contentOf(reference: FileReference, image: SurveyedImage, gate: FileGate): ContentFacts | undefined {
  // A part of a file begins with whatever it begins with.
  if (reference.window) return undefined;
  return withSource(
    () => {
      const answer = gate.open(reference, { id: image.id, path: image.path });
      if (!answer.ok) throw new DiskError('refused', answer.refusal.message);
      return answer.opened;
    },
    (opened) => describe(opened),
  );
}

function describe(opened: OpenedSource): ContentFacts {
  const { source, identity } = opened;
  const sniffed = sniff(probeInput(source), path.basename(identity.path));
  const common = { found: sniffed.found, fileSize: source.size };
  if (sniffed.kind !== 'image') return { ...common, format: rawUnless(sniffed.kind), namesOthers: false };
  try {
    const layer = headerOf(opened, sniffed.format);
    const namesOthers = layer.parent !== undefined || layer.facts.some(({ label }) => label.startsWith('Data file'));
    return { ...common, format: sniffed.format, guestSize: layer.guestSize, namesOthers };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { ...common, format: sniffed.format, namesOthers: false };
  }
}

/** A raw disk may hold anything; an image of a format that no driver reads is none. */
const rawUnless = (kind: 'other' | 'foreign-image'): string | undefined => (kind === 'other' ? 'raw' : undefined);

function placeOf(reference: FileReference, { path: file }: SurveyedImage): string | undefined {
  const located = locate(reference, path.dirname(file), THIS_SYSTEM);
  return located.kind === 'here' ? located.file : undefined;
}

function besideOf(
  { target }: FileReference,
  { path: file, id }: SurveyedImage,
  place: string | undefined,
  gate: FileGate,
): ParentFacts['beside'] {
  if (target.kind !== 'path') return undefined;
  const name = (target.path.includes('/') ? path.posix : path.win32).basename(target.path);
  if (name === '' || name === '.' || name === '..' || path.basename(name) !== name) return undefined;
  const beside = path.join(path.dirname(file), name);
  if (beside === place || beside === file) return undefined;
  return withSource(
    () => gate.openFound(beside),
    (opened) => {
      const { format, guestSize } = describe(opened);
      return opened.identity.id === id || format === undefined ? undefined : { path: beside, format, guestSize };
    },
  );
}

function foreignness({ target }: FileReference, place: string | undefined, isBeside: boolean): ParentFacts['foreign'] {
  if (target.kind !== 'path') return undefined;
  const { windows } = THIS_SYSTEM;
  if (windows ? /^\/(?!\/)/.test(target.path) : isWindowsAbsolute(target.path)) return windows ? 'unix' : 'windows';
  if (place === undefined || !path.isAbsolute(target.path)) return undefined;
  const { root } = path.parse(place);
  const [top = ''] = place.slice(root.length).split(path.sep);
  if (!fs.existsSync(path.join(root, top))) return 'no-such-root';
  return isBeside && !fs.existsSync(path.dirname(place)) ? 'no-such-root' : undefined;
}
