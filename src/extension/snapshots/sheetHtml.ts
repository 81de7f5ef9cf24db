import { entities, plain } from '../text';

/**
 * A page of words, figures, commands and buttons: what is planned, or what was found. Everything in it is plain text; a
 * page has no script, and its buttons are links to one command of ours.
 */
export interface SheetText {
  readonly title: string;
  /** The line under the title. */
  readonly lead?: string | undefined;
  readonly blocks: readonly Block[];
}

export type Tone = 'error' | 'warning' | 'info' | 'good' | 'quiet';

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone | undefined }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  /** Label and value; a figure is set apart from its explanation. */
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  /** A command line, with a button that copies it. */
  | {
      readonly kind: 'command';
      readonly text: string;
      readonly what?: string | undefined;
      readonly copy?: Button | undefined;
    }
  /** A file, by its whole path, with what opens it. */
  | { readonly kind: 'file'; readonly text: string; readonly open: Button }
  /** What not everybody wants to see, folded. */
  | { readonly kind: 'details'; readonly summary: string; readonly blocks: readonly Block[] }
  | { readonly kind: 'buttons'; readonly buttons: readonly Button[] }
  | {
      readonly kind: 'card';
      readonly tone: Tone;
      readonly title: string;
      /** Small words beside the title. */
      readonly aside?: string | undefined;
      readonly blocks: readonly Block[];
    };

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly note?: string | undefined;
}

export interface Button {
  readonly text: string;
  readonly title?: string | undefined;
  /** Beside the button: what speaks for pressing it. */
  readonly note?: string | undefined;
  readonly look?: 'primary' | 'secondary' | 'word' | undefined;
  readonly act: () => unknown;
}

/** Gives the address of a link that does what the button is for. */
export type Link = (button: Button) => string;

export function sheetBody({ title, lead, blocks }: SheetText, link: Link): string {
  return [
    '<main class="page sheet"><div class="page-body">',
    `<h1>${escaped(title)}</h1>`,
    lead === undefined ? '' : `<p class="lead">${escaped(lead)}</p>`,
    ...blocks.map((block) => blockHtml(block, link)),
    '</div></main>',
  ].join('\n');
}

function blockHtml(block: Block, link: Link): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escaped(block.text)}</h2>`;
    case 'text':
      return `<p class="sheet-text"${tone(block.tone)}>${escaped(block.text)}</p>`;
    case 'list':
      return `<ul class="sheet-list">${block.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
    case 'facts':
      return `<dl class="sheet-facts">${block.facts.map(factHtml).join('')}</dl>`;
    case 'command':
      return [
        '<div class="sheet-command">',
        block.what === undefined ? '' : `<p>${escaped(block.what)}</p>`,
        `<code>${escaped(block.text)}</code>`,
        block.copy ? buttonHtml(block.copy, link) : '',
        '</div>',
      ].join('');
    case 'file':
      return `<h2 class="sheet-file">${buttonHtml(block.open, link)}<span>${escaped(block.text)}</span></h2>`;
    case 'details':
      return [
        `<details><summary>${escaped(block.summary)}</summary>`,
        ...block.blocks.map((each) => blockHtml(each, link)),
        '</details>',
      ].join('');
    case 'buttons':
      return buttonsHtml(block.buttons, link);
    case 'card':
      return [
        `<section class="sheet-card"${tone(block.tone)}>`,
        `<h3><span class="dot" aria-hidden="true"></span><span>${escaped(block.title)}</span>`,
        block.aside === undefined ? '' : `<span class="aside">${escaped(block.aside)}</span>`,
        '</h3>',
        ...block.blocks.map((each) => blockHtml(each, link)),
        '</section>',
      ].join('');
  }
}

const factHtml = ({ label, value, note }: Fact): string =>
  `<div><dt>${escaped(label)}</dt><dd><span class="value">${escaped(value)}</span>${
    note === undefined ? '' : `<span class="note">${escaped(note)}</span>`
  }</dd></div>`;

/** Side by side, or where one has a note, below each other. */
function buttonsHtml(buttons: readonly Button[], link: Link): string {
  const noted = buttons.some(({ note }) => note !== undefined);
  const each = buttons.map((button) => {
    const { note } = button;
    const html = buttonHtml(button, link);
    return noted ? `<div>${html}${note === undefined ? '' : `<span class="note">${escaped(note)}</span>`}</div>` : html;
  });
  return `<div class="buttons${noted ? ' noted' : ''}">${each.join('')}</div>`;
}

function buttonHtml(button: Button, link: Link): string {
  const { text, title, look = 'secondary' } = button;
  const told = title === undefined ? '' : ` title="${escaped(title)}"`;
  return `<a role="button" class="${look}" href="${escaped(link(button))}"${told}>${escaped(text)}</a>`;
}

const tone = (name: Tone | undefined): string => (name === undefined ? '' : ` data-severity="${name}"`);

/** Names, paths and messages are an image's words: nothing of them becomes markup, and nothing in them is hidden. */
const escaped = (text: string): string => entities(plain(text, LONGEST));
const LONGEST = 4000;
