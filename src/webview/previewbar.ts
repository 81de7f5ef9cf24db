import { formatWhen } from '../core/units';
import { fill, h } from './dom';
import { fileName } from './format';
import type { Actions, State } from './state';

/** Under the header while the image is the overlay of a preview: of what, and the two ways out of it. */
export class PreviewBar {
  private readonly words = h('p', 'previewed');
  readonly element: HTMLElement;

  constructor(actions: Actions) {
    this.element = h(
      'div', { class: 'preview', attributes: { 'role': 'group', 'aria-label': 'Preview' } },
      this.words,
      h('span', 'preview-tools',
        h('button', {
          class: 'secondary', title: 'Keep this, and drop all that is newer than what it stands on',
          onClick: () => actions.commitPreview(),
        }, 'Commit Preview…'),
        h('button', {
          class: 'secondary', title: 'Drop this and what was written to it', onClick: () => actions.undoPreview(),
        }, 'Undo Preview…')),
    );
    this.element.hidden = true;
  }

  update({ summary, names }: State): void {
    const preview = summary?.layers[0]?.preview;
    this.element.hidden = !preview;
    if (!summary || !preview) return;
    const of = summary.layers.find(({ path }) => path === preview.of);
    fill(this.words,
      'Preview of ', h('strong', { title: preview.of }, (of && names[of.depth]) ?? fileName(preview.of)),
      `, made ${formatWhen(preview.made, Date.now())}. What a VM writes here stays apart from `,
      h('strong', { title: preview.leaf }, fileName(preview.leaf)), '.');
  }
}
