import { MAX_DEPTH } from '../chain';
import type { DoctorFacts, ImageFacts } from './facts';

/** The images, and who stands on whom. */
export class Kin {
  private readonly byId: ReadonlyMap<string, ImageFacts>;
  private readonly byPath = new Map<string, ImageFacts>();
  private readonly byParent = new Map<string, ImageFacts[]>();
  private readonly parentPaths = new Set<string>();

  constructor(readonly facts: Pick<DoctorFacts, 'images' | 'windows'>) {
    this.byId = new Map(facts.images.map((image) => [image.id, image]));
    for (const image of facts.images) {
      for (const name of [image.path, ...image.otherNames]) this.byPath.set(name, image);
      if (image.parent?.path !== undefined) this.parentPaths.add(image.parent.path);
      const id = image.parent?.state === 'found' ? image.parent.id : undefined;
      if (id === undefined) continue;
      const siblings = this.byParent.get(id);
      if (siblings) siblings.push(image);
      else this.byParent.set(id, [image]);
    }
  }

  parentOf({ parent }: ImageFacts): ImageFacts | undefined {
    return parent?.state === 'found' && parent.id !== undefined ? this.byId.get(parent.id) : undefined;
  }

  /** Those that stand directly on it. */
  childrenOf({ id }: ImageFacts): readonly ImageFacts[] {
    return this.byParent.get(id) ?? [];
  }

  /** The image that has this name. */
  at(path: string): ImageFacts | undefined {
    return this.byPath.get(path);
  }

  /** Whether an image names this file as its parent. */
  isParent(path: string): boolean {
    return this.parentPaths.has(path);
  }

  /**
   * An image and all below it, newest first; ends before the first that is there already, and with one layer more than
   * is ever followed.
   */
  chainOf(image: ImageFacts): readonly ImageFacts[] {
    const chain = new Set<ImageFacts>();
    for (let at: ImageFacts | undefined = image; at && !chain.has(at) && chain.size <= MAX_DEPTH;) {
      chain.add(at);
      at = this.parentOf(at);
    }
    return [...chain];
  }

  /** The images of a loop that this one is part of, from it on down; undefined where it is in none. */
  loopOf(image: ImageFacts): readonly ImageFacts[] | undefined {
    const chain = this.chainOf(image);
    const last = chain.at(-1);
    return last && this.parentOf(last) === image ? chain : undefined;
  }

  /** How many groups of images hang together. */
  families(): number {
    const root = new Map<string, string>();
    const rootOf = (id: string): string => {
      let at = id;
      for (let above = root.get(at); above !== undefined && above !== at; above = root.get(at)) at = above;
      return at;
    };
    for (const { id } of this.byId.values()) root.set(id, id);
    for (const image of this.byId.values()) {
      const parent = this.parentOf(image);
      if (parent) root.set(rootOf(image.id), rootOf(parent.id));
    }
    return [...root].filter(([id, above]) => id === above).length;
  }
}
