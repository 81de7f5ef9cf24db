type Typed = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Numbers that become more, in one array that is used again and again. */
export class Numbers<A extends Typed> {
  length = 0;
  private all: A;

  constructor(private readonly type: new (length: number) => A) {
    this.all = new type(1024);
  }

  push(value: number): void {
    if (this.length === this.all.length) this.grow();
    this.all[this.length++] = value;
  }

  take(): A {
    const taken = this.all.slice(0, this.length) as A;
    this.length = 0;
    return taken;
  }

  private grow(): void {
    const grown = new this.type(this.all.length * 2);
    grown.set(this.all);
    this.all = grown;
  }
}
