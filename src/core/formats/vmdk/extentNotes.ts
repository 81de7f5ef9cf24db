import type { CheckProblem } from '../../model';
import type { BlockNotes } from '../check';

/** What is told of a problem, where who refers to it is known. */
export type NoteWords = Pick<CheckProblem, 'message' | 'advice' | 'offset' | 'host' | 'claims' | 'guest'>;

interface Note {
  readonly counts: 'corruption' | 'further' | 'error';
  readonly code: string;
  readonly describe: () => NoteWords;
}

/** As many of one code are told one by one in a check. */
const MOST_OF_A_CODE = 250;

/** What is found before blocks are checked: the first of each code, and how many more there are. */
export class ExtentNotes {
  private readonly kept: Note[] = [];
  private readonly found = new Map<string, number>();

  add(counts: Note['counts'], code: string, describe: () => NoteWords): void {
    const before = this.found.get(code) ?? 0;
    this.found.set(code, before + 1);
    if (before < MOST_OF_A_CODE) this.kept.push({ counts, code, describe });
  }

  tell(notes: BlockNotes): void {
    const told = new Map<string, number>();
    for (const { counts, code, describe } of this.kept) {
      const nth = (told.get(code) ?? 0) + 1;
      told.set(code, nth);
      const rest = nth === MOST_OF_A_CODE ? (this.found.get(code) ?? 0) - nth : 0;
      notes.add(counts, 1 + rest, code, describe);
    }
  }
}
