/** Newest version of the API whose answers this client was written for (Docker 29). */
const newestKnown = '1.52';
/** What engines speak that are too old to say it: those before 17.03. */
export const oldestAssumed = '1.24';

const shape = /^(\d{1,3})\.(\d{1,4})$/;

export function isApiVersion(text: unknown): text is string {
  return typeof text === 'string' && shape.test(text);
}

/** Negative when `a` is older than `b`: 1.9 is older than 1.24. */
export function compareApiVersions(a: string, b: string): number {
  const [, majorA = 0, minorA = 0] = shape.exec(a) ?? [];
  const [, majorB = 0, minorB = 0] = shape.exec(b) ?? [];
  return Number(majorA) - Number(majorB) || Number(minorA) - Number(minorB);
}

/**
 * The version to speak: the engine's newest or ours, whichever is older. An engine of the future that no longer speaks
 * ours gets its own oldest, where what we ask for has most likely not changed.
 */
export function negotiate(server: string, serverMinimum?: string): string {
  const common = compareApiVersions(server, newestKnown) < 0 ? server : newestKnown;
  if (serverMinimum === undefined || compareApiVersions(common, serverMinimum) >= 0) return common;
  return serverMinimum;
}
