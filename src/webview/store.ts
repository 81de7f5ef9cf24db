/** A value that tells who listens when it changes. */
export class Store<S extends object> {
  private readonly listeners: ((state: S, changed: ReadonlySet<keyof S>) => void)[] = [];

  constructor(private state: S) {}

  get(): Readonly<S> {
    return this.state;
  }

  /** Takes over the given fields; listeners hear of those that differ from before. */
  set(patch: Partial<S>): void {
    const keys = Object.keys(patch) as (keyof S)[];
    const changed = new Set(keys.filter((key) => !Object.is(patch[key], this.state[key])));
    if (changed.size === 0) return;
    this.state = { ...this.state, ...patch };
    for (const listener of this.listeners) listener(this.state, changed);
  }

  subscribe(listener: (state: S, changed: ReadonlySet<keyof S>) => void): void {
    this.listeners.push(listener);
  }
}
