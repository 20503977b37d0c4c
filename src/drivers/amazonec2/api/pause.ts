/** Milliseconds before the next attempt: it doubles from half a second up to five, and is spread, so that a fleet does not ask in step. */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(5000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(longest * (0.5 + random() / 2));
}
