import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestHost } from '../../testbed/host.ts';
import { genericOptions } from '../../testbed/host.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { holdLocks } from '../support/apt-locks.ts';
import { repositoryFunctions } from '../support/apt-repository.ts';
import { newUser, type User } from '../support/user.ts';

const NEWER = '20.10.24+dfsg1-2';
const BROKEN = '20.10.24+dfsg1-3';
const ce = (version: string) => `5:${version}-1~debian.12~bookworm`;

/** A repository with the distribution's engine under a higher version, in use later. */
const newerEngine = `${repositoryFunctions}
new_repository
engine_tree /srv/engine
package docker.io ${NEWER} /srv/engine
publish
`;

/** The same package with a dockerd that does not start. */
const brokenEngine = `${repositoryFunctions}
mv /srv/engine/usr/sbin/dockerd /srv/dockerd
printf '#!/bin/sh\\necho "no good" >&2\\nexit 1\\n' >/srv/engine/usr/sbin/dockerd
chmod 755 /srv/engine/usr/sbin/dockerd
package docker.io ${BROKEN} /srv/engine
mv /srv/dockerd /srv/engine/usr/sbin/dockerd
publish
`;

/** A host with Docker's own package in an older version, from a repository that has newer ones. */
const dockersEngine = `${repositoryFunctions}
new_repository
engine_tree /srv/engine
for version in ${['28.5.1', '28.5.2', '29.0.0'].map(ce).join(' ')}; do
  package docker-ce $version /srv/engine
  package docker-ce-cli $version
done
package containerd.io 1.0-1
publish
use_repository
apt-get purge -y -qq docker.io >/dev/null
apt-get update -qq
apt-get install -y -qq --no-install-recommends docker-ce=${ce('28.5.1')} docker-ce-cli=${ce('28.5.1')} >/dev/null
`;

let testbed: Testbed;
let user: User;
let io: TestHost;

const installed = async (host: TestHost, name: string) =>
  host.must(['dpkg-query', '-W', '-f', '${Version}', name]);
const keeper = () => user.docker('io', `inspect --format '{{.State.Pid}} {{.State.StartedAt}}' keeper`);
const engineStart = async () =>
  (await io.must(['systemctl', 'show', 'docker.service', '-p', 'ExecMainStartTimestampMonotonic'])).trim();

beforeAll(async () => {
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['io', 'ce'] });
  io = testbed.host('io');
  user = await newUser();
  await Promise.all([
    io.must(['sh', '-c', newerEngine]),
    testbed.host('ce').must(['sh', '-c', dockersEngine]),
  ]);
  await Promise.all(testbed.hosts.map((host) => user.must(['create', ...genericOptions(host), host.name])));
  await user.importImage('io');
  await user.docker('io', 'run -d --name keeper box sleep 100000');
});

afterAll(async () => {
  await testbed?.close();
  await user?.sandbox.remove();
});

describe("the distribution's engine", () => {
  test('is left alone when there is nothing newer, and when the package sources cannot be reached', async () => {
    const [version, start] = [await installed(io, 'docker.io'), await engineStart()];
    const said = await user.must(['upgrade', 'io']);
    expect(said).toBe(
      `Detecting the provisioner...\nUpgrading docker...\nMachine "io" has nothing to upgrade: Docker Engine 20.10.24+dfsg1 (docker.io ${version}) is the newest on offer.\n`,
    );
    await io.must(['iptables', '-I', 'OUTPUT', '-p', 'tcp', '--dport', '80', '-j', 'REJECT']);
    const cut = await user.mymachine(['upgrade', 'io']);
    await io.must(['iptables', '-D', 'OUTPUT', '-p', 'tcp', '--dport', '80', '-j', 'REJECT']);
    expect(cut).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Error id: MM_PROVISION_NO_NETWORK'),
    });
    expect(cut.stderr).toMatch(
      `The host cannot reach its package sources. docker.io ${version} is installed and runs.\n`,
    );
    expect(await engineStart()).toBe(start);
  });

  test('gets the newer package of the same name, once apt is free, and its containers keep running', async () => {
    const [version, container, start] = [
      await installed(io, 'docker.io'),
      await keeper(),
      await engineStart(),
    ];
    await io.must(['sh', '-c', `${repositoryFunctions} use_repository`]);
    await io.must(['apt-mark', 'hold', 'docker.io']);
    const held = await user.mymachine(['upgrade', 'io']);
    expect(held.stderr).toMatch(
      `docker.io is on hold on the host, so it is not upgraded to ${NEWER}. docker.io ${version} is installed and runs.\nHint: Release it: "mymachine ssh io sudo apt-mark unhold docker.io"`,
    );
    await io.must(['apt-mark', 'unhold', 'docker.io']);
    await io.must([
      'sh',
      '-c',
      holdLocks,
      'test',
      '280',
      '/var/lib/dpkg/lock-frontend',
      '/var/lib/apt/lists/lock',
    ]);
    // They are released once it waits for them.
    const said = await user.must(['upgrade', 'io'], {
      onStart: (child) =>
        child.stdout?.on('data', (text) => {
          if (String(text).includes('waiting for another')) void io.run(['pkill', '-f', '[f]cntl']);
        }),
    });
    expect(said).toContain('On the host: waiting for another program to release apt');
    expect(said).toMatch(
      /Upgrading docker\.\.\.\n(?:.*\n)*Restarting docker\.\.\.\n(?:.*\n)*Docker is up and running!\n/,
    );
    expect(said).toContain(
      `Machine "io" was upgraded: docker.io from ${version} to ${NEWER}. Docker Engine 20.10.24+dfsg1 runs.\n`,
    );
    expect(await installed(io, 'docker.io')).toBe(NEWER);
    expect(await engineStart()).not.toBe(start);
    expect(await keeper()).toBe(container);
  });

  test('is put back when the newer one does not come up, with its containers', async () => {
    const container = await keeper();
    await io.must(['sh', '-c', brokenEngine]);
    const failed = await user.mymachine(['upgrade', 'io']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(
      `Upgrading docker.io from ${NEWER} to ${BROKEN} failed. docker.io ${NEWER} is installed and runs.`,
    );
    expect(failed.stderr).toMatch(
      / {2}\| .*no good[\s\S]*Hint: The older version is back\.[\s\S]*MM_UPGRADE/,
    );
    expect(await keeper()).toBe(container);
  });

  test('whose own daemon.json wants no live-restore keeps it, and its containers, also when the upgrade is killed', async () => {
    await io.must([
      'sh',
      '-c',
      `rm -r /srv/repo/debian/pool/*${BROKEN}*; sed -i '/^Version: ${BROKEN}$/,/^$/d' /srv/repo/debian/dists/bookworm/stable/binary-amd64/Packages`,
    ]);
    const container = await keeper();
    // The upgrades before this one switched it on for their restarts alone.
    const isKeeping = () => io.must(['docker', 'info', '-f', '{{.LiveRestoreEnabled}}']);
    expect(await isKeeping()).toBe('false\n');
    const mine = await io.must(['sed', '0,/{/s//{"live-restore": false,/', '/etc/docker/daemon.json']);
    await io.must(['sh', '-c', 'cat >/etc/docker/daemon.json; systemctl reload docker'], { input: mine });
    await io.must([
      'sh',
      '-c',
      `${repositoryFunctions} ${'package docker.io 20.10.24+dfsg1-4 /srv/engine'}; publish`,
    ]);
    expect(mine).toContain('"live-restore": false');
    // The host goes on by itself when we are killed, and the second upgrade waits for that.
    const old = await installed(io, 'docker.io');
    let child: ChildProcess | undefined;
    const cut = user.mymachine(['upgrade', 'io'], {
      onStart: (started) => {
        child = started;
      },
    });
    while ((await installed(io, 'docker.io')) === old) await sleep(50);
    child?.kill('SIGKILL');
    await cut;
    await user.must(['upgrade', 'io']);
    expect(await installed(io, 'docker.io')).toBe('20.10.24+dfsg1-4');
    expect((await io.must(['systemctl', 'is-active', 'docker'])).trim()).toBe('active');
    expect(await keeper()).toBe(container);
    expect(await io.must(['cat', '/etc/docker/daemon.json'])).toBe(mine);
    expect(await isKeeping()).toBe('false\n');
  });
});

describe("Docker's own engine", () => {
  const host = () => testbed.host('ce');

  test('takes a version that is asked for, also an older one, and keeps to it; others say that they cannot', async () => {
    const both = await user.mymachine(['upgrade', '--engine-version', '28.5', 'io', 'ce']);
    expect(both.code).toBe(4);
    expect(both.stderr).toMatch(
      /^io: A version can be chosen for Docker's own package docker-ce alone, and the host has docker\.io/,
    );
    expect(both.stdout).toMatch(/^\(ce\) Restarting docker\.\.\.$/m);
    expect(both.stdout).toContain(
      `(ce) Machine "ce" was upgraded: docker-ce from ${ce('28.5.1')} to ${ce('28.5.2')}, docker-ce-cli from ${ce('28.5.1')} to ${ce('28.5.2')}.`,
    );
    expect(await user.must(['upgrade', 'ce'])).toContain(
      `(docker-ce ${ce('28.5.2')}) is the newest on offer of 28.5 ("mymachine upgrade --engine-version latest" lifts that).`,
    );
    await user.must(['upgrade', '--engine-version', '28.5.1', 'ce']);
    expect(await installed(host(), 'docker-ce')).toBe(ce('28.5.1'));
  });

  test('says which versions there are, and goes to the newest of all when that is asked for', async () => {
    const missing = await user.mymachine(['upgrade', '--engine-version', '27', 'ce']);
    expect(missing.stderr).toMatch(
      /There is no docker-ce 27 on offer[\s\S]*\| 5:29\.0\.0[\s\S]*MM_ENGINE_VERSION/,
    );
    await user.must(['upgrade', '--engine-version', 'latest', 'ce']);
    expect(await installed(host(), 'docker-ce')).toBe(ce('29.0.0'));
    expect(await installed(host(), 'docker-ce-cli')).toBe(ce('29.0.0'));
    expect(await user.docker('ce', 'version --format "{{.Server.Version}}"')).toContain('20.10.24');
    // Nothing of the distribution's came with it.
    expect(await host().must(['sh', '-c', 'dpkg --get-selections docker.io | grep -w install || :'])).toBe(
      '',
    );
  });
});
