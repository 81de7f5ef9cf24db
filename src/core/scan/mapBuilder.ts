import { Column } from '../column';
import type { Kind, OwnershipMap } from '../model';

/** Columns that grow, joining neighbours that are one range. */
export class MapBuilder {
  private readonly start = new Column(Float64Array);
  private readonly owner = new Column(Int16Array);
  private readonly kind = new Column(Uint8Array);
  private readonly host: Column<Float64Array> | undefined;
  private lastOwner = NaN;
  private lastKind = -1;
  private hostNext = -1;

  constructor(
    private position: number,
    keepHost: boolean,
  ) {
    this.host = keepHost ? new Column(Float64Array) : undefined;
  }

  append(length: number, owner: number, kind: Kind, host: number): void {
    if (length <= 0) return;
    if (owner !== this.lastOwner || kind !== this.lastKind || (this.host && host !== this.hostNext)) {
      this.start.push(this.position);
      this.owner.push(owner);
      this.kind.push(kind);
      this.host?.push(host);
      this.lastOwner = owner;
      this.lastKind = kind;
    }
    this.hostNext = host < 0 ? -1 : host + length;
    this.position += length;
  }

  finish(): OwnershipMap {
    const count = this.kind.length;
    this.start.push(this.position);
    return {
      count,
      start: this.start.take(),
      owner: this.owner.take(),
      kind: this.kind.take(),
      host: this.host?.take(),
    };
  }
}
