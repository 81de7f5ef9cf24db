export { BLOCK, fileBytes, wholeLines } from './content';
export { DISCARD, LITERAL, packGuest, ZEROES } from './asset';
