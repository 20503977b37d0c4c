import leven from 'leven';

/** The name that was most likely meant; undefined when none is close enough to be worth a word. */
export function nearest(wrong: string, names: readonly string[]): string | undefined {
  const given = wrong.slice(0, 100);
  const best = names
    .map((name) => ({ name, distance: leven(name, given) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (best === undefined || best.distance >= given.length) return undefined;
  return best.distance <= Math.max(2, given.length / 3) ? best.name : undefined;
}
