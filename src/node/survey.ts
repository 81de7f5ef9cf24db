import * as path from 'node:path';
import type { LayerAccount, LayerStory, Link } from '../core';
import { DiskError, openLink, openMember, probeInput, ReadCache, Session, sniff, toWire } from '../core';
import { stateFrozenIn, readDescriptor } from '../core/formats/parallels/bundle';
import { DESCRIPTOR } from '../core/formats/parallels/descriptor';
import type { SurveyedImage, SurveyResult, UnusableImage } from '../protocol/image';
import type { GatePolicy } from '../protocol/worker';
import { codecs } from './codecs';
import { FileGate } from './gate';
import { platformStories } from './stories';
import { inSlices, StopToken } from './slices';
import { previewAt, summarizeLayer } from './summary';

/**
 * Headers of many files, with what their platform says of them; a file that can be read and is no image is left out.
 * @param stories by path, where they are known already
 */
export function survey(
  paths: readonly string[],
  policy: GatePolicy,
  stories: ReadonlyMap<string, LayerStory> = platformStories(paths, policy),
): SurveyResult {
  const gate = new FileGate(policy);
  const images: SurveyedImage[] = [];
  const unusable: UnusableImage[] = [];
  for (const file of paths) {
    let format: string | undefined;
    try {
      const image = surveyOne(gate, file, stories.get(file), (found) => {
        format = found;
      });
      if (image) images.push(image);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      unusable.push({ path: file, format, error: toWire(error) });
    }
  }
  return { images, unusable };
}

/** One chain must not keep the others waiting for longer. */
const ACCOUNT_MS = 60_000;

/**
 * Scans the chain of one leaf, in slices.
 * @throws DiskError when the leaf can't be used, `limit` when its tables take too long to read
 */
export async function accountChain(
  leaf: string,
  policy: GatePolicy,
  limit = ACCOUNT_MS,
): Promise<{ path: string; account: LayerAccount }[]> {
  const gate = new FileGate(policy);
  const found = gate.openFound(leaf);
  const session = new Session({ gate, codecs }, openMember(found) ?? found);
  const token = new StopToken();
  const end = Date.now() + limit;
  try {
    const picture = await inSlices(session.scan(), token, () => {
      if (Date.now() >= end) token.stop();
    });
    if (!picture) throw new DiskError('limit', 'its tables take too long to read to be added up here', { file: leaf });
    const { accounting } = picture;
    return session.chain.layers.flatMap(({ depth, identity }) => {
      const account = accounting.layers[depth];
      return account ? [{ path: identity.path, account }] : [];
    });
  } finally {
    session.close();
  }
}

/** @throws DiskError when the file can't be read, or is an image that can't be used: then `recognised` was told */
function surveyOne(
  gate: FileGate,
  file: string,
  story: LayerStory | undefined,
  recognised: (format: string) => void,
): SurveyedImage | undefined {
  const found = gate.openFound(file);
  try {
    const opened = openMember(found) ?? found;
    const cache = new ReadCache();
    const name = path.basename(opened.identity.archive?.member ?? file);
    const sniffed = sniff(probeInput(cache.of(opened.source)), name);
    // A raw disk may hold anything: that it is one only its platform knows.
    const format = sniffed.kind === 'image' ? sniffed.format : story?.format === 'raw' ? 'raw' : undefined;
    if (format === undefined) return undefined;
    recognised(format);
    const state = format === 'parallels' ? frozenState(gate, file) : undefined;
    const link = openLink({ gate, codecs }, opened, { format, cache, state });
    try {
      return describe(link, story);
    } finally {
      link.leaf.layer.close();
    }
  } finally {
    found.source.close();
  }
}

/** The state that an image froze of a bundle of Parallels whose descriptor lies beside it, where it is one's. */
function frozenState(gate: FileGate, file: string): string | undefined {
  const descriptor = path.join(path.dirname(file), DESCRIPTOR);
  if (file === descriptor) return undefined;
  try {
    const { source } = gate.openFound(descriptor);
    try {
      return stateFrozenIn(readDescriptor(source), descriptor, file);
    } finally {
      source.close();
    }
  } catch (error) {
    // Without a descriptor that can be used it is an image by itself.
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

function describe({ leaf, below }: Link, story: LayerStory | undefined): SurveyedImage {
  const { id, path: file } = leaf.identity;
  const findings = [...leaf.findings, ...leaf.layer.findings];
  const told = summarizeLayer(leaf, findings, { story, preview: previewAt(file) });
  // A bundle's descriptor, read to know what an image of it is, is the newest state of the bundle and no part of an older one.
  const companions = told.companions?.filter((each) => path.basename(each) !== DESCRIPTOR);
  const summary = { ...told, companions, id };
  if (below.kind === 'base') return summary;
  if (below.kind !== 'found') return { ...summary, parent: below };
  // Another state of the same file, as in a bundle of Parallels: the file is listed once.
  if (below.identity.id === id) return summary;
  return { ...summary, parent: { kind: 'found', id: below.identity.id, path: below.identity.path } };
}
