import * as path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Chain, UnreadableFacts } from '../../core';
import { closeChain, DiskError, openChain, probeInput, sniff, toWire } from '../../core';
import type { SurveyedImage } from '../../protocol/image';
import type { GatePolicy } from '../../protocol/worker';
import { codecs } from '../codecs';
import { findFamily } from '../family';
import { fileId } from '../fileId';
import { FileGate } from '../gate';
import { isOurs } from '../ourFiles';
import { previewAt, summarizeLayer } from '../summary';
import { survey } from '../survey';
import type { Conduct } from '../snapshots/conduct';
import type { Listing } from './folders';
import { listFolder, walkFolder } from './folders';

const QCOW2_NAME = /\.qcow2$/i;
const IMAGE_NAME = /\.(?:qcow2?|img|raw)$/i;
/** Files between two looks at whether to go on. */
const AT_ONCE = 50;

/** The images that are judged, and the folders they lie in. */
export class ImagesLookedAt {
  readonly images = new Map<string, SurveyedImage>();
  readonly unreadable = new Map<string, UnreadableFacts>();
  readonly listings = new Map<string, Listing>();
  readonly incomplete = new Map<string, string>();
  private readonly asked = new Set<string>();
  private readonly gate: FileGate;

  constructor(
    private readonly policy: GatePolicy,
    private readonly conduct: Conduct,
  ) {
    this.gate = new FileGate(policy);
  }

  /** A folder and all below it. */
  async folder(folder: string): Promise<void> {
    const { listings, incomplete } = walkFolder(folder);
    for (const { folder: place, why } of incomplete) this.incomplete.set(place, why);
    for (const listing of listings) this.listings.set(listing.folder, listing);
    await this.files(listings.flatMap(({ files }) => files));
  }

  /** An image with its family. @param folders further ones in which overlays are looked for */
  async family(file: string, folders: readonly string[]): Promise<void> {
    await this.pause();
    const found = findFamily(await this.startOf(file), this.policy, folders);
    for (const image of found.images) this.add(image);
    const own = found.unusable.filter((unusable) => unusable.path === file);
    for (const unusable of own) this.unreadable.set(unusable.path, unusable);
    if (found.images.length === 0 && own.length === 0) this.noImage(file);
    // Notes and half-made files lie beside any of them.
    for (const image of [...found.images.map((each) => each.path), file]) this.list(path.dirname(image));
    for (const folder of folders) this.list(folder);
    if (found.incomplete) {
      for (const folder of found.folders) {
        const { cut } = listFolder(folder);
        if (cut !== undefined) this.incomplete.set(folder, cut);
      }
    }
  }

  /** Files that may be images; those that are none are left out. */
  async files(files: readonly string[]): Promise<void> {
    const fresh = files.filter((file) => !this.asked.has(file) && !isOurs(file));
    for (const file of fresh) this.asked.add(file);
    for (let at = 0; at < fresh.length; at += AT_ONCE) {
      this.conduct.progress?.('looking at images', at / fresh.length);
      await this.pause();
      const found = survey(fresh.slice(at, at + AT_ONCE), this.policy);
      for (const image of found.images) this.add(image);
      for (const unusable of found.unusable) {
        // A link that leads nowhere, or a file that is not ours to read, is no image unless it has the name of one.
        if (unusable.format !== undefined || IMAGE_NAME.test(unusable.path))
          this.unreadable.set(unusable.path, unusable);
      }
      const known = new Set([...found.images, ...found.unusable].map((each) => each.path));
      // Its name says what it should be: cut short, never finished, or renamed.
      for (const file of fresh.slice(at, at + AT_ONCE))
        if (QCOW2_NAME.test(file) && !known.has(file)) this.noImage(file);
    }
  }

  /** Parents that nothing but their overlay shows to be images: a raw disk of unknown content, in another folder. */
  async parents(): Promise<void> {
    for (const image of [...this.images.values()]) {
      if (image.parent?.kind !== 'found' || this.images.has(image.parent.id)) continue;
      await this.pause();
      this.below(image).forEach((each) => {
        this.add(each);
      });
    }
  }

  list(folder: string): Listing {
    const listing = this.listings.get(folder) ?? listFolder(folder);
    this.listings.set(folder, listing);
    return listing;
  }

  private add(image: SurveyedImage): void {
    if (!this.images.has(image.id)) this.images.set(image.id, image);
  }

  /** The file itself, or where it is no image by itself, one that names it as its parent. */
  private async startOf(file: string): Promise<string> {
    if (survey([file], this.policy).images.length > 0) return file;
    const id = fileId(file);
    for (const { files } of [this.list(path.dirname(file))]) {
      for (let at = 0; at < files.length; at += AT_ONCE) {
        await this.pause();
        const { images } = survey(files.slice(at, at + AT_ONCE), this.policy);
        const child = images.find(({ parent }) => parent?.kind === 'found' && parent.id === id);
        if (child) return child.path;
      }
    }
    return file;
  }

  private noImage(file: string): void {
    const message = this.whatItIs(file);
    this.unreadable.set(file, { path: file, error: { code: 'not-this-format', message } });
  }

  private whatItIs(file: string): string {
    try {
      const { source } = this.gate.openFound(file);
      try {
        const sniffed = sniff(probeInput(source), path.basename(file));
        return source.size === 0 || sniffed.kind === 'image' ? 'it is empty' : `it is ${sniffed.found}`;
      } finally {
        source.close();
      }
    } catch {
      return 'nothing in it is known here';
    }
  }

  /** The layers below an image, as its chain has them. */
  private below({ path: file, format }: SurveyedImage): readonly SurveyedImage[] {
    let chain: Chain | undefined;
    try {
      chain = openChain({ gate: this.gate, codecs }, this.gate.openFound(file), { format });
      const { layers, end } = chain;
      return layers.slice(1).map((layer) => {
        const next = layers[layer.depth + 1];
        const findings = [...layer.findings, ...layer.layer.findings];
        const summary = summarizeLayer(layer, findings, { preview: previewAt(layer.identity.path) });
        const parent = next
          ? ({ kind: 'found', id: next.identity.id, path: next.identity.path } as const)
          : end.kind === 'base'
            ? undefined
            : end;
        return { ...summary, depth: 0, id: layer.identity.id, ...(parent && { parent }) };
      });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.unreadable.set(file, { path: file, error: toWire(error) });
      return [];
    } finally {
      if (chain) closeChain(chain);
    }
  }

  private async pause(): Promise<void> {
    await setImmediate();
    this.conduct.signal?.throwIfAborted();
  }
}
