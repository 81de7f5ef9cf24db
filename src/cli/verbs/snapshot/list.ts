import * as path from 'node:path';
import type { Preview } from '../../../core';
import { DiskError, formatBytes, formatClock, formatDay } from '../../../core';
import { openDiskFile } from '../../../node/diskFile';
import type { Family } from '../../../node/family';
import { chainOf, childrenOf, findFamily, memberAt } from '../../../node/family';
import { TRUST_ALL } from '../../../node/gate';
import { previewsIn } from '../../../node/snapshots/preview';
import { Output, tell } from '../../output';
import { indent, paint, plain } from '../../text';
import type { Verb } from '../../verb';
import { EXIT } from '../../verb';

const DETAILS = `
Lists the family of IMAGE as a tree: bases first, below each one the overlays that stand on it, and of each the
internal snapshots it holds. It looks in the folders of IMAGE and of what it stands on; overlays elsewhere are not
known. Names and dates are the platform's where it has left them beside the images, else the files' own.

With --output json: { image, images: [ { filename, format, label?, description?, date?, guestSize, fileSize, diskUsage?,
modified?, parent, parentState, inChain, leaf, preview?, snapshots: [ { id, name, label?, description?, date,
vmStateSize, guestSize } ] } ], folders, incomplete }
Parents come before their overlays. parentState is base, found, or how the chain breaks.
`;

export const snapshotList: Verb = {
  name: 'snapshot list',
  operands: ['IMAGE'],
  summary: 'the family of an image: layers, internal snapshots, previews',
  details: DETAILS,
  options: {},
  run: (invocation) => {
    const listing = readListing(invocation.operands[0] ?? '');
    const output = new Output();
    if (invocation.json) output.json(listingJson(listing));
    else
      listingLines(listing).forEach((line) => {
        output.line(line);
      });
    output.flush();
    for (const { path: file, error } of listing.family.unusable) {
      if (error.code !== 'not-this-format') tell(plain(`${file}: ${error.message}`));
    }
    return EXIT.fine;
  },
};

type SurveyedImage = Family['images'][number];

interface Listing {
  readonly start: SurveyedImage;
  readonly family: Family;
  readonly previews: readonly Preview[];
  /** Ids of the image and what it stands on. */
  readonly chain: ReadonlySet<string>;
}

/** @throws DiskError where the image is none */
function readListing(name: string): Listing {
  const { identity, source } = openDiskFile(name, TRUST_ALL);
  source.close();
  const family = findFamily(identity.path, TRUST_ALL);
  const start = memberAt(family, identity.path);
  if (!start) {
    const failure = family.unusable.find(({ path: file }) => file === identity.path)?.error;
    throw new DiskError(
      failure === undefined || failure.code === 'internal' ? 'not-this-format' : failure.code,
      failure?.message ?? 'nothing in it tells that it is a disk image, and nothing beside it stands on it',
      { file: identity.path, offset: failure?.offset },
      failure?.advice,
    );
  }
  return {
    start,
    family,
    previews: family.folders.flatMap(previewsIn),
    chain: new Set(chainOf(family, start.id).map(({ id }) => id)),
  };
}

/** Depth first; at each level by the file's name. */
function* inOrder({ family }: Listing): Generator<{ readonly image: SurveyedImage; readonly level: number }> {
  const sorted = (images: readonly SurveyedImage[]): SurveyedImage[] =>
    [...images].sort((a, b) => a.path.localeCompare(b.path));
  const known = new Set(family.images.map(({ id }) => id));
  const roots = family.images.filter(({ parent }) => parent?.kind !== 'found' || !known.has(parent.id));
  const seen = new Set<string>();
  const below = function* (images: readonly SurveyedImage[], level: number): ReturnType<typeof inOrder> {
    for (const image of sorted(images)) {
      if (seen.has(image.id)) continue;
      seen.add(image.id);
      yield { image, level };
      yield* below(childrenOf(family, image.id), level + 1);
    }
  };
  yield* below(roots, 0);
  // Images that stand on each other in a circle have no root.
  yield* below(family.images, 0);
}

const previewOf = ({ previews }: Listing, image: SurveyedImage): Preview | undefined =>
  previews.find(({ overlay }) => overlay === image.path);

function listingJson(listing: Listing): Record<string, unknown> {
  const { start, family, chain } = listing;
  return {
    image: start.path,
    images: [...inOrder(listing)].map(({ image }) => {
      const { label, story, diskUsage, modified, parent } = image;
      const preview = previewOf(listing, image);
      return {
        filename: image.path,
        format: image.format,
        label,
        description: story?.description,
        date: story?.date,
        guestSize: image.guestSize,
        fileSize: image.fileSize,
        diskUsage,
        modified,
        parent: parent === undefined ? null : parent.kind === 'found' ? parent.path : parent.name,
        parentState: parent?.kind ?? 'base',
        inChain: chain.has(image.id),
        leaf: childrenOf(family, image.id).length === 0,
        preview,
        snapshots: image.views.slice(1).map(({ id, name, guestSize, snapshot }) => {
          const told = story?.snapshots?.[name];
          return {
            id,
            name,
            label: told?.label,
            description: told?.description,
            date: told?.date ?? snapshot?.date ?? 0,
            vmStateSize: snapshot?.vmStateSize ?? 0,
            guestSize,
          };
        }),
      };
    }),
    folders: family.folders,
    incomplete: family.incomplete,
  };
}

function listingLines(listing: Listing): string[] {
  const { start, family } = listing;
  const folder = path.dirname(start.path);
  const lines = [...inOrder(listing)].flatMap(({ image, level }) =>
    indent(imageLines(listing, image, folder), '  '.repeat(level)),
  );
  const cut = family.incomplete ? ['Some folders have more files than were looked at.'] : [];
  return [...lines, '', paint('dim', `Looked in ${family.folders.map(plain).join(', ')}.`), ...cut];
}

function imageLines(listing: Listing, image: SurveyedImage, folder: string): string[] {
  const { start, family } = listing;
  const name = path.dirname(image.path) === folder ? image.fileName : image.path;
  const preview = previewOf(listing, image);
  const marks = [
    ...(image.parent === undefined ? ['base'] : []),
    ...(childrenOf(family, image.id).length === 0 ? ['newest'] : []),
    ...(preview ? [`preview of ${plain(path.basename(preview.of))}`] : []),
    ...(image.id === start.id ? ['asked for'] : []),
  ];
  const own = [
    paint('bold', plain(name)),
    ...(image.label === undefined ? [] : [`"${plain(image.label)}"`]),
    image.format,
    formatBytes(image.guestSize),
    `${formatBytes(image.diskUsage ?? image.fileSize)} on the host`,
    ...whenOf(image),
    ...(marks.length === 0 ? [] : [`(${marks.join(', ')})`]),
  ].join('  ');
  const { parent } = image;
  const broken = parent === undefined || parent.kind === 'found' ? [] : [paint('red', `  ! ${plain(parent.message)}`)];
  const snapshots = image.views.slice(1).map(({ id, name: tag, snapshot }) => {
    const told = image.story?.snapshots?.[tag];
    const title = told && told.label !== tag ? `${plain(tag)} "${plain(told.label)}"` : plain(tag);
    const memory = snapshot && snapshot.vmStateSize > 0 ? ', with the memory of the VM' : '';
    const date = dateText(told?.date ?? snapshot?.date ?? 0);
    return `  · ${title}  internal snapshot ${plain(id)}, ${date}${memory}`;
  });
  return [own, ...broken, ...snapshots];
}

/** When the snapshot was taken whose state the layer froze; else when it was written to last. */
function whenOf({ story, modified }: SurveyedImage): readonly string[] {
  if (story?.date !== undefined) return [`taken ${dateText(story.date)}`];
  return modified === undefined ? [] : [`changed ${dateText(modified)}`];
}

const dateText = (time: number): string => `${formatDay(time)} ${formatClock(time)}`;
