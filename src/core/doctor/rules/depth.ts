import { MAX_DEPTH } from '../../chain';
import type { ImageRule } from '../rule';

/** libvirt follows no more layers than this. */
const LIBVIRT_DEPTH = 200;
/** From here on reads are felt to be slow, and each snapshot is one more way to break. */
const MANY = 30;

/** A chain of very many layers; told at its newest. */
export const depth: ImageRule = (image, { kin, remedies }) => {
  if (kin.childrenOf(image).length > 0) return [];
  const { length } = kin.chainOf(image);
  if (length < MANY) return [];
  const followed = length >= MAX_DEPTH ? `${MAX_DEPTH} layers or more` : `${length} layers`;
  const tooDeep = length > LIBVIRT_DEPTH;
  return [
    {
      code: tooDeep ? 'chain-too-deep' : 'chain-deep',
      severity: tooDeep ? 'error' : 'info',
      path: image.path,
      message: `the image stands on a chain of ${followed}`,
      meaning: tooDeep
        ? `libvirt follows ${LIBVIRT_DEPTH} layers at most and refuses to start a VM from more.`
        : 'Each read may have to ask all of them, and losing any one breaks all above it.',
      certainty: 'certain',
      remedies: [
        remedies.command('See what deleting a snapshot would move', ['vmdisk', 'snapshot', 'plan', image.path]),
      ],
    },
  ];
};
