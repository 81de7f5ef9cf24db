/** What the tests of this folder share: an image is built whole, broken in one way, and opened. */
import assert from 'node:assert/strict';
import type { Picture, Session } from '../../../../src/core';
import { DiskError, Kind } from '../../../../src/core';
import type { DiskErrorCode } from '../../../../src/core/errors';
import { runAt } from '../../../../src/core/runs';
import type { BuiltQcow2, Qcow2Spec } from '../../../fixtures/build/index';
import { openBuilt } from '../../../support/open';

export type Damage = (built: BuiltQcow2) => unknown;

/** An image that was broken and opened all the same. */
export class Opened {
  readonly picture: Picture;

  constructor(
    readonly session: Session,
    readonly built: BuiltQcow2,
    scan: () => Picture,
  ) {
    this.picture = scan();
  }

  /** Codes of what is told of the image. */
  get codes(): string[] {
    return this.session.findings(0).map(({ code }) => code);
  }

  /** Where the finding of that code says it is. */
  placeOf(code: string): number | undefined {
    const finding = this.session.findings(0).find((each) => each.code === code);
    assert(finding, `no finding ${code}, but ${this.codes.join(', ')}`);
    return finding.offset;
  }

  /** Name of the kind of a guest byte, in the map and in the trace alike, and its host offset. */
  at(offset: number): readonly [kind: string | undefined, host: number | undefined] {
    const { kind, steps } = this.session.trace(offset);
    assert.equal(this.picture.map.kind[runAt(this.picture.map, offset)], kind, 'map and trace agree');
    return [Object.entries(Kind).find(([, value]) => value === kind)?.[0], steps[0]?.hostOffset];
  }

  /** @throws AssertionError where the bytes can't be read */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    assert.deepEqual(this.session.read(this.picture, offset, bytes), [], 'all of it can be read');
    return bytes;
  }

  /** Why a byte can't be read. */
  whyNot(offset: number): string {
    const [gap] = this.session.read(this.picture, offset, new Uint8Array(1));
    assert(gap, 'it can be read');
    return gap.why;
  }
}

export function open(spec: Qcow2Spec, damage: Damage): Opened {
  const { session, picture, built } = openBuilt({ layers: [spec], damage: ([leaf]) => leaf && damage(leaf) });
  const [leaf] = built;
  assert(leaf);
  return new Opened(session, leaf, picture);
}

/** It can't be opened, and why is told with the place in the file. */
export function assertRefused(spec: Qcow2Spec, damage: Damage, code: DiskErrorCode, offset: number): void {
  assert.throws(
    () => open(spec, damage),
    (error) => {
      assert(error instanceof DiskError, String(error));
      assert.deepEqual([error.code, error.offset], [code, offset], error.message);
      return true;
    },
  );
}
