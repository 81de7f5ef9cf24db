import { basename } from 'node:path';
import type { InternalRequest } from '../../core/snapshots/model';
import type { Question } from './consent';

/** What is asked before a snapshot inside an image is made, brought back or dropped. */
export function question({ image, action, name }: InternalRequest, label = name): Omit<Question, 'command'> {
  const file = basename(image);
  const off = 'The VM has to be off.';
  switch (action) {
    case 'create':
      return {
        title: `Save the state of ${file} as ${label}?`,
        detail: [`The disk stays as it is; what is written later goes elsewhere in the same file. ${off}`],
        button: 'Create Snapshot',
      };
    case 'apply':
      return {
        title: `Bring ${file} back to ${label}?`,
        detail: [
          'The current state of the disk is replaced, and is gone unless a snapshot holds it. ' +
            `Create one first if you may want it again. ${off}`,
        ],
        button: 'Apply Snapshot',
      };
    case 'delete':
      return {
        title: `Delete the snapshot ${label} from ${file}?`,
        detail: [`The state that it saved is gone; the disk as it is now, and other snapshots, stay. ${off}`],
        button: 'Delete Snapshot',
      };
  }
}

/** What was done. */
export function doneText({ image, action, name }: InternalRequest, label = name): string {
  const file = basename(image);
  switch (action) {
    case 'create':
      return `Saved the state of ${file} as ${label}`;
    case 'apply':
      return `${file} is as ${label} saved it`;
    case 'delete':
      return `Deleted the snapshot ${label} from ${file}`;
  }
}
