/** A stretch of digits or of anything else. */
const chunks = (text: string): readonly string[] => text.toLowerCase().match(/\d+|\D+/g) ?? [];

const isNumber = (chunk: string) => /^\d/.test(chunk);

const plain = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers of any length: without leading zeros the longer one is the greater. */
function numeric(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || plain(left, right);
}

/**
 * docker-machine's order of names: without regard to case,
 * digits by their value, so that host2 stands before host10.
 */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [chunks(a), chunks(b)];
  for (const [at, chunk] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = isNumber(chunk) && isNumber(other) ? numeric(chunk, other) : plain(chunk, other);
    if (order !== 0) return order;
  }
  // Names that differ in case or in zeros alone still have one order.
  return left.length - right.length || plain(a, b);
}
