import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestHost } from '../../testbed/host.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { type Adopted, adopt } from '../support/provisioning.ts';

// A file system that every kernel has stands for VirtualBox's. It takes an owner as that does.

let testbed: Testbed;
let adopted: Adopted;
let host: TestHost;

beforeAll(async () => {
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['host1'] });
  host = testbed.host('host1');
  adopted = await adopt(host);
});
afterAll(async () => {
  await adopted?.close();
  await testbed?.close();
});

const remedy = 'Do this.';
const folder = (where: string, what = where.slice(1), type = 'tmpfs') => ({ type, what, where, remedy });
const provision = (...mounts: ReturnType<typeof folder>[]) => adopted.provision({}, { mounts });
const mounted = async (where: string) =>
  (await host.run(['findmnt', '-rno', 'SOURCE,FSTYPE', '--mountpoint', where])).stdout.trim();
const units = async () =>
  (await host.must(['sh', '-c', 'ls /etc/systemd/system | grep ^mymachine-mount- || true']))
    .split('\n')
    .filter((line) => line !== '');

test.each(['/work', '/c/Users', '/it\'s 100% $HOME "mine"', '/Büro é', '/-odd'])(
  'a folder at %s is the login user’s, now and when its unit is started again',
  async (where) => {
    adopted.said.length = 0;
    await provision(folder(where));
    expect(adopted.said.join('\n')).not.toContain('shared folder');
    const { user } = adopted.session.target;
    const seen = async () => [await mounted(where), await host.must(['stat', '-c', '%U %F', '--', where])];
    const first = await seen();
    expect(first[0]).toMatch(/ tmpfs$/);
    expect(first[1]).toBe(`${user} directory\n`);
    const before = await units();
    await host.must(['systemctl', 'stop', '--', ...before]);
    expect(await mounted(where)).toBe('');
    await host.must(['systemctl', 'start', '--', ...before]);
    expect(await seen()).toEqual(first);
    // Again, nothing is mounted twice.
    await provision(folder(where));
    expect(await seen()).toEqual(first);
    expect(await units()).toEqual(before);
  },
);

test('a boot mounts it before the engine starts, and is not held up by it', async () => {
  const [unit = ''] = await units();
  expect(await host.must(['systemctl', 'is-enabled', '--', unit])).toBe('enabled\n');
  const shown = await host.must(['systemctl', 'show', '-p', 'Before,RequiredBy,WantedBy', '--', unit]);
  expect(shown).toMatch(/^Before=.*docker\.service/m);
  expect(shown).toMatch(/^WantedBy=multi-user\.target$/m);
  expect(shown).toMatch(/^RequiredBy=$/m);
});

test('a kernel without the file system is warned of once, and no unit fails', async () => {
  adopted.said.length = 0;
  await provision(folder('/nowhere', 'nowhere', 'nosuchfs'));
  const warnings = adopted.said.filter((line) => line.includes('/nowhere'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("the host's kernel has no nosuchfs. Do this.");
  expect(await host.must(['systemctl', '--failed', '--no-legend', '--plain'])).toBe('');
});

test('what lies at the place already stays to be seen', async () => {
  adopted.said.length = 0;
  await provision(folder('/etc'));
  expect(adopted.said.join('\n')).toContain('not mounted at /etc: the host has something there');
  expect(await mounted('/etc')).toBe('');
});
