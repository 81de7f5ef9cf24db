import { SaxesParser } from 'saxes';

/** An element of a parsed XML file. Names are without their namespace's prefix. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The text directly in it. */
  readonly text: string;
}

/** Of files that are read here: an OVF of a VM with a hundred snapshots has some 10^4 elements. */
const MAX_CHARACTERS = 8 << 20;
const MAX_ELEMENTS = 200_000;
/** Of most; what nests with every snapshot goes deeper. */
const MAX_DEPTH = 64;

interface Growing extends XmlElement {
  readonly attributes: Map<string, string>;
  readonly children: Growing[];
  text: string;
}

class TooMuch extends Error {}

/**
 * Parses XML. Entities that a document type declares are never expanded, and no file is ever opened for one: what
 * refers to one is not well-formed here.
 * @returns the outermost element; undefined where the text is no XML, or more of it than is read
 */
export function parseXml(text: string, maxDepth = MAX_DEPTH): XmlElement | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const outside: Growing = { name: '', attributes: new Map(), children: [], text: '' };
  const open = [outside];
  let elements = 0;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    elements += 1;
    if (elements > MAX_ELEMENTS || open.length > maxDepth) throw new TooMuch();
    const element: Growing = { name: local(name), attributes: new Map(), children: [], text: '' };
    for (const [key, value] of Object.entries(attributes)) element.attributes.set(local(key), value);
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const addText = (more: string): void => {
    const element = open.at(-1);
    if (element) element.text += more;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  try {
    parser.write(text).close();
  } catch {
    return undefined;
  }
  return outside.children[0];
}

/** The children of that name, in order. */
export const childrenNamed = ({ children }: XmlElement, name: string): readonly XmlElement[] =>
  children.filter((child) => child.name === name);

/** The first child of that name. */
export const childNamed = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);

/** The text of the first child of that name, without space around it. */
export const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  childNamed(element, name)?.text.trim();

const local = (name: string): string => name.slice(name.indexOf(':') + 1);
