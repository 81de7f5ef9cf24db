import type { ImageFacts } from '../facts';
import type { ImageRule } from '../rule';
import { listedNames, nameOf } from '../rule';

/** Images that stand on each other in a circle; told once, at the first of them by name. */
export const loop: ImageRule = (image, { kin, remedies }) => {
  const members = image.parent?.state === 'cycle' ? [image] : kin.loopOf(image);
  if (!members || firstOf(members) !== image) return [];
  const names = members.map(({ path }) => nameOf(path));
  return [
    {
      code: 'parent-cycle',
      severity: 'error',
      path: image.path,
      message:
        members.length === 1
          ? `the image names itself as its parent: "${image.parent?.written ?? ''}"`
          : `${listedNames(names)} stand on each other in a circle`,
      meaning:
        'No VM can start from any of them, and some programs hang when they try. One of them names the wrong parent: ' +
        'most often a base was replaced by an overlay of the same name.',
      certainty: 'certain',
      remedies: members.map(({ path }) => remedies.choosePlace(path)).slice(0, 4),
    },
  ];
};

function firstOf(images: readonly ImageFacts[]): ImageFacts | undefined {
  return images.reduce<ImageFacts | undefined>(
    (first, image) => (first && first.path <= image.path ? first : image),
    undefined,
  );
}
