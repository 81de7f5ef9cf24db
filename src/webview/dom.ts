export type Child = Node | string | null | undefined | false;

interface Properties {
  readonly class?: string | undefined;
  readonly title?: string | undefined;
  /** Attributes by their names in HTML; undefined leaves one out. */
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  /** CSS custom properties; set through the CSSOM, since the page's policy forbids style attributes. */
  readonly variables?: Readonly<Record<`--${string}`, string>>;
  readonly onClick?: (event: MouseEvent) => void;
}

/**
 * Makes an element. Text becomes text nodes: nothing here is ever parsed as HTML.
 * @param look a class alone, or properties
 */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T, look: Properties | string = {}, ...children: Child[]
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  const properties = typeof look === 'string' ? { class: look } : look;
  if (element instanceof HTMLButtonElement) element.type = 'button'; // there are no forms
  if (properties.class !== undefined) element.className = properties.class;
  if (properties.title !== undefined) element.title = properties.title;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(properties.variables ?? {})) element.style.setProperty(name, value);
  const { onClick } = properties;
  if (onClick) element.addEventListener('click', onClick as (event: Event) => void);
  fill(element, ...children);
  return element;
}

/** Replaces what an element holds. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** A button that looks like a word. */
export function textButton(
  text: string, title: string, onClick: () => void, attributes: Readonly<Record<string, string | undefined>> = {},
): HTMLButtonElement {
  return h('button', { class: 'word', title, attributes, onClick }, text);
}

/** `web01.qcow2` with places to break after dots, dashes and underscores; the text itself is unchanged. */
export function breakable(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const piece of text.split(/(?<=[._\-/\\])/)) fragment.append(piece, document.createElement('wbr'));
  return fragment;
}
