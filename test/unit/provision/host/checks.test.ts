import { expect, it } from 'vitest';
import { clockWarning } from '../../../../src/provision/host/checks.ts';

const now = Date.UTC(2026, 10, 20, 10, 17, 42);
const seconds = now / 1000;

it('says nothing of a clock that is right, a little off, or not known', () => {
  for (const host of [undefined, seconds, seconds + 240, seconds - 240])
    expect(clockWarning(host, now, 'h1')).toBeUndefined();
});

it('says how far which clock is, what ours says, and how to set it', () => {
  expect(clockWarning(seconds - 7200, now, 'h1')).toMatch(
    /^The clock of the host is 2 h 0 min behind this computer's, which says 2026-11-20 10:17 UTC: .*: mymachine ssh h1 sudo timedatectl/,
  );
  expect(clockWarning(seconds + 300, now, 'h1')).toContain("is 5 min ahead of this computer's");
  expect(clockWarning(0, now, 'h1')).toMatch(/is 20\d{3} days behind/);
});
