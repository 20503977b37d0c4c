import { describe, expect, it } from 'vitest';
import type { EngineSpec } from '../../../../src/provision/contract.ts';
import { checkDisks, clientWarning, clockWarning } from '../../../../src/provision/host/checks.ts';
import { parseFacts } from '../../../../src/provision/host/facts.ts';

const nothing = parseFacts('mymachine-facts-1\nend yes\n');

describe('checkDisks', () => {
  it.each([
    [{ '/': 500_000 }, true, false],
    [{ '/': 900_000 }, true, true],
    [{ '/': 900_000, '/var': 100 }, false, false],
    [{ '/': 900_000, '/variable': 1 }, true, true],
    [{ '/': 5000 }, false, true],
    [{}, true, true],
  ])('with %j free, installing: %j, goes on: %j', (free, installs, goesOn) => {
    const disks = new Map<string, number>(Object.entries(free));
    const check = () => checkDisks({ ...nothing, disks }, installs);
    if (goesOn) expect(check).not.toThrow();
    else expect(check).toThrow(/too little free disk space: \d+ MiB on \//);
  });
});

describe('clientWarning', () => {
  it('says how a host without a docker client gets one, where the engine has no port', () => {
    const machine = (port: number) => ({ machineName: 'h1', engine: { port } as EngineSpec });
    expect(clientWarning(nothing, machine(0))).toContain('mymachine ssh h1 sudo apt-get install docker-cli');
    expect(clientWarning(nothing, machine(2376))).toBeUndefined();
    const withClient = parseFacts('mymachine-facts-1\nclient yes\nend yes\n');
    expect(clientWarning(withClient, machine(0))).toBeUndefined();
  });
});

describe('clockWarning', () => {
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
});
