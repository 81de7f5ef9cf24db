import * as path from 'node:path';
import type { Chain, Environment, LayerAccount } from '../core';
import { closeChain, DiskError, finish, openChain, probeInput, Session, sniff } from '../core';
import type { SurveyedImage } from '../protocol/image';
import type { GatePolicy } from '../protocol/worker';
import { createEnvironment } from './environment';
import { openFile } from './files';
import { summarizeLayer } from './summary';

/** Headers of many files; what is no image, or can't be read, is left out. */
export async function survey(paths: readonly string[], policy: GatePolicy): Promise<SurveyedImage[]> {
  const environment = await createEnvironment(policy);
  return paths.flatMap((file) => unlessUnreadable(() => surveyOne(environment, file, policy)) ?? []);
}

/** Scans the chain of one leaf. @throws DiskError when the leaf can't be used */
export async function accountChain(leaf: string, policy: GatePolicy): Promise<{ path: string; account: LayerAccount }[]> {
  const session = new Session(await createEnvironment(policy), openFile(leaf, policy), false);
  try {
    const { accounting } = finish(session.scan());
    return session.chain.layers.flatMap(({ depth, identity }) => {
      const account = accounting.layers[depth];
      return account ? [{ path: identity.path, account }] : [];
    });
  } finally {
    session.close();
  }
}

function surveyOne(environment: Environment, file: string, policy: GatePolicy): SurveyedImage | undefined {
  const opened = openFile(file, policy);
  try {
    const sniffed = sniff(probeInput(opened.source), path.basename(file));
    if (sniffed.kind !== 'image') return undefined;
    const chain = openChain(environment, opened, { format: sniffed.format });
    try {
      return describe(chain);
    } finally {
      closeChain(chain);
    }
  } finally {
    opened.source.close();
  }
}

function describe({ layers: [leaf, below], end }: Chain): SurveyedImage | undefined {
  if (!leaf) return undefined;
  const summary = { ...summarizeLayer(leaf, [...leaf.findings, ...leaf.layer.findings]), id: leaf.identity.id };
  if (below) return { ...summary, parent: { kind: 'found', id: below.identity.id, path: below.identity.path } };
  if (end.kind === 'base') return summary;
  return { ...summary, parent: { kind: end.kind, written: end.written, name: end.name, message: end.message } };
}

function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
