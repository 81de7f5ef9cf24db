import type { OpenFigures } from './measures/open';
import { measure } from './programs';
import type { Section } from './sections';
import { row } from './sections';
import { median } from './statistics';
import type { World } from './world';

const ROUNDS = 15;
const WHOLE_MAP_AIM = 1000;

/** What the editor waits for in its worker, on the sample. The same in a real VS Code is `scripts/bench/editor.mjs`. */
export function measureSample(world: World, image: string): Section {
  const opened = Array.from({ length: ROUNDS }, () => measure('open', [world.worker, image]));
  const medianOf = (of: (figures: OpenFigures) => number): number => median(opened.map(of));
  return {
    title: 'Sample (1 GiB, 4 layers), in the worker, its start included',
    columns: ['measured'],
    rows: [
      row(
        'stack and facts',
        medianOf(({ thread, facts }) => thread + facts),
        'ms',
      ),
      row(
        'whole map',
        medianOf(({ thread, ready }) => thread + ready),
        'ms',
        { atMost: WHOLE_MAP_AIM },
      ),
    ],
  };
}
