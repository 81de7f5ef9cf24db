/** All chunks, in an order that spreads over the whole disk before it fills in: a picture is coarse before it is fine. */
export function spread(count: number): number[] {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(1, count))));
  const order: number[] = [];
  for (let i = 0; i < 2 ** bits; i += 1) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) if ((i & (1 << bit)) !== 0) reversed |= 1 << (bits - 1 - bit);
    if (reversed < count) order.push(reversed);
  }
  return order;
}
