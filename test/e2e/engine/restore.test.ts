import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { genericOptions, type TestHost } from '../../testbed/host.ts';
import { busyboxImageTar } from '../../testbed/packages.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { difference, hostState } from '../support/host-state.ts';
import { type Adopted, adopt, failureOf } from '../support/provisioning.ts';
import { newUser, type User } from '../support/user.ts';

let testbed: Testbed;
let user: User;

const shell = (host: TestHost, script: string) => host.must(['sh', '-ec', script]);

beforeAll(async () => {
  user = await newUser();
});
afterAll(async () => {
  await testbed?.close();
  await user?.sandbox.remove();
});

async function until(host: TestHost, condition: string): Promise<void> {
  while ((await host.run(['sh', '-c', condition])).exitCode !== 0) await sleep(50);
}

/** What differs on a host after some work with it. */
async function traceOf(host: TestHost, work: (adopted: Adopted) => Promise<unknown>) {
  const before = await hostState(host);
  const adopted = await adopt(host);
  try {
    await work(adopted);
  } finally {
    await adopted.close().catch(() => undefined);
  }
  return difference(before, await hostState(host));
}

/** Kills `rm --restore` with SIGKILL once the host is in the middle of it, and runs it again. */
async function restoreInTwo(host: TestHost, isInTheMiddle: string): Promise<void> {
  let child: ChildProcess | undefined;
  const cut = user.mymachine(['rm', '-y', '--restore', host.name], {
    onStart: (started) => {
      child = started;
    },
  });
  await until(host, isInTheMiddle);
  child?.kill('SIGKILL');
  await cut;
  expect(await user.must(['ls', '-q'])).toBe(`${host.name}\n`);
  await user.must(['rm', '-y', '--restore', host.name]);
}

/** offer NAME FIELD: installs a package of nothing, which a repository on the host offers. */
const makePackage = `
offer() { # NAME FIELD
  work=$(mktemp -d); mkdir -p $work/DEBIAN /srv/repo
  printf 'Package: %s\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: test\\n%s\\nDescription: test\\n' "$1" "$2" >$work/DEBIAN/control
  dpkg-deb -b $work /srv/repo/$1.deb >/dev/null
  { cat $work/DEBIAN/control; echo "Filename: ./$1.deb"; echo "Size: $(stat -c %s /srv/repo/$1.deb)"; echo "SHA256: $(sha256sum </srv/repo/$1.deb | cut -c1-64)"; echo; } >>/srv/repo/Packages
  rm -r $work
  echo 'deb [trusted=yes] file:///srv/repo ./' >/etc/apt/sources.list.d/own.list
  apt-get update -qq
  apt-get install -y -qq $1 >/dev/null
}
`;

describe('a host without an engine', () => {
  let host: TestHost;

  beforeAll(async () => {
    testbed = await startHosts({ suite: 'bookworm', engine: false, names: ['bare'] });
    host = testbed.host('bare');
  });
  afterAll(async () => testbed?.close());

  it('keeps what a removed engine left: configuration, data, links, owners, marks of packages, firewall, though we are gone in the middle', async () => {
    await shell(
      host,
      `apt-get update -qq
      export DEBIAN_FRONTEND=noninteractive
      apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
      apt-mark auto iptables runc >/dev/null; apt-mark hold runc >/dev/null
      echo '# mine' >>/etc/default/docker; chmod 640 /etc/default/docker
      systemctl stop docker.socket docker.service; systemctl disable docker.service 2>/dev/null
      printf '#!/bin/sh\\n# mine\\n' >/etc/init.d/docker
      apt-get remove -y -qq docker.io >/dev/null
      rm -rf /run/docker*; ip link delete docker0 2>/dev/null || :
      iptables -P FORWARD ACCEPT; for t in filter nat; do iptables -t $t -F; iptables -t $t -X; done
      iptables -A FORWARD -s 192.0.2.7 -j DROP
      echo 0 >/proc/sys/net/ipv4/ip_forward
      echo mine >/var/lib/docker/mine; chmod 700 /var/lib/containerd
      mkdir -p /srv/conf; mv /etc/docker /srv/docker; ln -s ../srv/docker /etc/docker
      echo '{"debug": true}' >/srv/conf/daemon.json; chown root:adm /srv/conf/daemon.json; chmod 640 /srv/conf/daemon.json
      ln -s ../conf/daemon.json /srv/docker/daemon.json`,
    );
    const trace = await traceOf(host, async (adopted) => {
      await adopted.provision();
      expect(await host.must(['readlink', '/etc/docker', '/srv/docker/daemon.json'])).toBe(
        '../srv/docker\n../conf/daemon.json\n',
      );
      const cut = adopted.restore().catch((error: unknown) => error);
      await until(host, '! dpkg -s docker.io | grep -qx "Status: install ok installed"');
      await adopted.close();
      expect(await cut).toMatchObject({ code: 'MM_SSH_CLOSED' });
      const again = await adopt(host);
      await again.restore();
      await again.close();
    });
    expect(trace).toEqual([]);
    expect(await host.must(['cat', '/var/lib/docker/mine'])).toBe('mine\n');
  });

  it('is not touched where a package on hold is in the way', async () => {
    await host.must(['apt-mark', 'hold', 'docker.io']);
    const trace = await traceOf(host, async (adopted) => {
      const error = await failureOf(adopted.provision());
      expect(error).toMatchObject({ code: 'MM_PROVISION_INSTALL', details: 'On hold: docker.io runc' });
    });
    expect(trace).toEqual([]);
    await host.must(['apt-mark', 'unhold', 'docker.io']);
  });

  it('loses packages to the engine when that was allowed, and has them back, but keeps what is needed by others', async () => {
    await shell(
      host,
      `apt-mark unhold runc >/dev/null; apt-get purge -y -qq docker.io containerd runc tini >/dev/null; rm -rf /run/containerd; ${makePackage} offer in-the-way 'Conflicts: docker.io'; apt-mark auto in-the-way`,
    );
    const before = await hostState(host);
    const flags = ['--engine-install', 'distro', ...genericOptions(host)];
    expect(await user.must(['create', '--dry-run', ...flags, 'bare'])).toContain(
      '  removes  in-the-way (only with --remove-packages, or when you say so)\n',
    );
    const refused = await user.mymachine(['create', ...flags, 'bare']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('MM_PROVISION_REMOVAL') });
    expect(refused.stderr).toContain('would remove packages of the host: in-the-way. None was removed.');
    expect(difference(before, await hostState(host))).toEqual([]);
    await user.must(['create', '--resume', '--remove-packages', 'bare']);
    expect((await host.run(['dpkg', '-s', 'in-the-way'])).stdout).not.toContain('install ok installed');
    await shell(host, `${makePackage} offer needs-tini 'Depends: tini'`);
    const removed = await user.mymachine(['rm', '-y', '--restore', 'bare']);
    expect(removed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(
        'These packages stay on the host, since others need them: tini (needs-tini).',
      ),
    });
    const trace = difference(before, await hostState(host));
    expect(trace).toContain('+ package needs-tini 1.0 install ok installed');
    expect(trace.filter((line) => !/tini|\/srv\/repo\/Packages/.test(line))).toEqual([]);
  });
});

describe('a host with an engine', () => {
  let host: TestHost;

  beforeAll(async () => {
    testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['engine'] });
    host = testbed.host('engine');
  });
  afterAll(async () => testbed?.close());

  it('has its daemon.json, drop-ins and links afterwards, whether its service was off or the adoption failed', async () => {
    await shell(
      host,
      `mkdir -p /srv/conf /etc/systemd/system/docker.service.d /etc/docker
      echo '{"debug": true,   "labels": ["a=b"]}' >/srv/conf/daemon.json; chown root:adm /srv/conf/daemon.json; chmod 640 /srv/conf/daemon.json
      mv /etc/docker /srv/docker; ln -s /srv/docker /etc/docker
      ln -s ../conf/daemon.json /etc/docker/daemon.json
      ln -s /srv/conf/ca.pem /etc/docker/ca.pem; echo mine >/srv/conf/ca.pem
      printf '[Service]\\nEnvironment=MINE=1\\n' >/etc/systemd/system/docker.service.d/50-mine.conf
      ln -s /srv/conf/own.conf /etc/systemd/system/docker.service.d/10-machine.conf
      systemctl daemon-reload
      systemctl disable docker.service docker.socket
      systemctl stop docker.service docker.socket
      ip link delete docker0
      iptables -P FORWARD ACCEPT; for t in filter nat; do iptables -t $t -F; iptables -t $t -X; done
      echo 0 >/proc/sys/net/ipv4/ip_forward`,
    );
    const trace = await traceOf(host, async (adopted) => {
      await adopted.provision();
      await adopted.restore();
    });
    expect(trace).toEqual([]);
    const failed = await traceOf(host, async (adopted) => {
      const error = await failureOf(adopted.provision({ options: ['data-root=/proc/none'] }));
      expect(error.code).toBe('MM_ENGINE_START');
    });
    expect(failed).toEqual([]);
    await host.must(['systemctl', 'mask', 'docker.socket']);
    const masked = await traceOf(host, async (adopted) => {
      expect((await failureOf(adopted.provision())).code).toBe('MM_PROVISION_UNSUPPORTED');
    });
    expect(masked).toEqual([]);
    await host.must(['systemctl', 'unmask', 'docker.socket']);
  });

  it('is told which listeners of its own take TLS, has them back, and keeps its containers when the restoration is killed', async () => {
    await shell(
      host,
      `mkdir -p /etc/systemd/system/docker.socket.d /run/systemd/system/docker.service.d
      echo '{"hosts": ["fd://", "tcp://0.0.0.0:2375", "unix:///run/mine.sock"]}' >/etc/docker/daemon.json
      printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd\\n' >/etc/systemd/system/docker.service.d/50-mine.conf
      printf '[Service]\\nExecStopPost=/bin/sleep 5\\n' >/run/systemd/system/docker.service.d/slow.conf
      printf '[Socket]\\nListenStream=2374\\n' >/etc/systemd/system/docker.socket.d/mine.conf
      systemctl daemon-reload
      systemctl enable docker.socket
      systemctl start docker.socket docker.service`,
    );
    await host.must(['docker', 'import', '-', 'box'], { input: await readFile(await busyboxImageTar()) });
    await host.must([
      'docker',
      'run',
      '-d',
      '--name',
      'lives',
      '--network',
      'none',
      'box',
      '/bin/sleep',
      '100000',
    ]);
    const container = () =>
      host.must(['docker', 'inspect', '-f', '{{.State.Pid}} {{.State.StartedAt}}', 'lives']);
    const answers = async (url: string, ...more: string[]) =>
      (await host.run(['curl', '-sS', '-m', '20', ...more, `${url}/_ping`])).stdout;
    const [before, running] = [await hostState(host), await container()];
    expect(await user.must(['create', '--dry-run', ...genericOptions(host), 'engine'])).toBe(
      `Would create "engine" with the driver generic; nothing was made.
  host        debian 12
  engine      Docker Engine 20.10.24 is there, and stays
  listener    tcp://0.0.0.0:2375 takes TLS with a client certificate alone
  listener    [::]:2374 takes TLS with a client certificate alone
  containers  1 running, which stay
`,
    );
    expect(difference(before, await hostState(host))).toEqual([]);
    expect(await user.must(['ls', '-q'])).toBe('');
    const created = await user.mymachine(['create', ...genericOptions(host), 'engine']);
    expect(created, created.stderr).toMatchObject({ code: 0 });
    expect(created.stderr).toContain(
      'take TLS with a client certificate alone from now on: tcp://0.0.0.0:2375, [::]:2374.',
    );
    for (const port of [2375, 2374])
      expect(await answers(`http://127.0.0.1:${port}`)).toContain('HTTP request to an HTTPS server');
    expect(await answers('http://localhost', '--unix-socket', '/run/mine.sock')).toBe('OK');
    expect((await user.mymachine(['provision', 'engine'])).stderr).not.toContain('take TLS');
    await restoreInTwo(
      host,
      '[ "$(systemctl is-active docker)" = deactivating ] || [ ! -d /var/lib/mymachine ]',
    );
    expect(difference(before, await hostState(host))).toEqual([]);
    expect(await container()).toBe(running);
    for (const port of [2375, 2374]) expect(await answers(`http://127.0.0.1:${port}`)).toBe('OK');
  });
});
