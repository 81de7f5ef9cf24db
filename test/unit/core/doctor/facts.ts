/** Facts made by hand, each a healthy image but for what is said. */
import type { Diagnosis, DoctorFacts, ImageFacts, ParentFacts } from '../../../../src/core';
import { judge } from '../../../../src/core';

export const GIB = 2 ** 30;
/** 1 January 2026 noon, UTC. */
export const NOON = Date.UTC(2026, 0, 1, 12);
export const MINUTE = 60_000;

/** An image `/vm/NAME`, made at noon and not written to since. */
export function image(name: string, facts: Partial<ImageFacts> = {}): ImageFacts {
  return {
    id: `1:${name}`,
    path: `/vm/${name}`,
    otherNames: [],
    format: 'qcow2',
    guestSize: GIB,
    fileSize: 2 ** 20,
    modified: NOON,
    made: NOON,
    snapshotDates: [],
    bitmaps: [],
    findings: [],
    use: { state: 'free', by: [] },
    ...facts,
  };
}

/** The link to a parent `/vm/NAME` that was found. */
export function on(name: string, facts: Partial<ParentFacts> = {}): ParentFacts {
  return {
    written: name,
    recorded: 'qcow2',
    state: 'found',
    id: `1:${name}`,
    path: `/vm/${name}`,
    content: { format: 'qcow2', found: 'a qcow2', guestSize: GIB, fileSize: 2 ** 20, namesOthers: false },
    candidates: [],
    ...facts,
  };
}

/** The link to a parent that is not there. */
export function missing(written: string, facts: Partial<ParentFacts> = {}): ParentFacts {
  return {
    written,
    recorded: 'qcow2',
    state: 'missing',
    reason: 'missing',
    path: written,
    message: `the parent ${written} is not there`,
    candidates: [],
    ...facts,
  };
}

export function diagnose(images: readonly ImageFacts[], facts: Partial<DoctorFacts> = {}): readonly Diagnosis[] {
  return judge({ images, unreadable: [], leftovers: [], incomplete: [], windows: false, ...facts });
}

/** `severity certainty code name` of each, gravest first. */
export function told(images: readonly ImageFacts[], facts: Partial<DoctorFacts> = {}): string[] {
  return diagnose(images, facts).map(
    ({ severity, certainty, code, path }) => `${severity} ${certainty} ${code} ${path.replace(/^.*\//, '')}`,
  );
}

export function only(images: readonly ImageFacts[], facts: Partial<DoctorFacts> = {}): Diagnosis {
  const [first, ...others] = diagnose(images, facts);
  if (!first || others.length > 0) throw new Error(`${others.length + (first ? 1 : 0)} findings, not one`);
  return first;
}
