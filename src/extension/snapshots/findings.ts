import type { Finding } from '../../core/model';
import { plain, sentence } from '../text';

/** A finding as sentences: what, and what to do. */
export const findingText = ({ message, advice }: Pick<Finding, 'message' | 'advice'>): string =>
  plain(`${ended(sentence(message))}${advice === undefined ? '' : ` ${ended(sentence(advice))}`}`, 4000);

const ended = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);
