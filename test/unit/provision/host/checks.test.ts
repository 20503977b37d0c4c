import { describe, expect, it } from 'vitest';
import type { EngineSpec } from '../../../../src/provision/contract.ts';
import {
  checkDisks,
  clientWarning,
  clockWarning,
  refuseMasked,
} from '../../../../src/provision/host/checks.ts';
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

describe('a masked unit', () => {
  const host = (states: string, unit = '', dockerd = '/usr/bin/dockerd') => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const lines = [
      `units ${base64(states)}`,
      `unit /lib/docker.service ${base64(unit)}`,
      `dockerd ${dockerd}`,
    ];
    return parseFacts(['mymachine-facts-1', ...lines, 'end yes', ''].join('\n'));
  };
  const [masked, loaded] = ['LoadState=masked', 'LoadState=loaded'];
  const socketMasked = `Id=docker.service\n${loaded}\n\nId=docker.socket\n${masked}\n`;

  it.each([
    [
      socketMasked,
      '[Unit]\nRequires=docker.socket containerd.service\n',
      '/usr/bin/dockerd',
      'docker.socket',
    ],
    [socketMasked, '[Service]\nExecStart=/usr/bin/dockerd -H fd://\n', '/usr/bin/dockerd', 'docker.socket'],
    [socketMasked, '', '', 'docker.socket'],
    [`Id=docker.service\n${masked}\n\nId=docker.socket\n${loaded}\n`, '', '', 'docker.service'],
  ])('is refused before anything is changed: %#', (states, unit, dockerd, name) => {
    const check = () => refuseMasked(host(states, unit, dockerd));
    expect(check).toThrow(`The host's ${name} is masked, and no engine starts without it.`);
    expect(check).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`systemctl unmask ${name}`) }),
    );
  });

  it('is no hindrance to an engine that does without', () => {
    refuseMasked(host(socketMasked, '[Service]\nExecStart=/usr/bin/dockerd\n'));
    refuseMasked(
      host(`Id=docker.service\n${loaded}\n\nId=docker.socket\n${loaded}\n`, 'Requires=docker.socket'),
    );
    refuseMasked(nothing);
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
