import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_PASSWORD, type TestHost } from '../../testbed/host.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { holdLocks } from '../support/apt-locks.ts';
import { type Adopted, adopt, failureOf, standOf } from '../support/provisioning.ts';

const shell = (host: TestHost, script: string, ...args: string[]) =>
  host.must(['sh', '-c', script, 'test', ...args]);
const writeFile = (host: TestHost, path: string, content: string) =>
  host.must(['sh', '-c', 'mkdir -p "$(dirname "$1")"; cat >"$1"', 'test', path], { input: content });

describe('provisioning a host whose engine is configured already', () => {
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

  /** Runs work that must leave the host as it is: every file, and the engine's process. */
  async function untouched<T>(work: () => Promise<T>): Promise<T> {
    const see = async () => [...(await standOf(host)), await host.must(['pidof', 'dockerd'])];
    const before = await see();
    const result = await work();
    expect(await see()).toEqual(before);
    return result;
  }

  it.each([
    [
      'a syntax error',
      '{\n  "debug": true\n  "mtu": 1400\n}\n',
      'MM_ENGINE_CONFIG_SYNTAX',
      'line 3, column 3',
    ],
    ['certificates of its own', '{"tlscert": "/etc/ssl/mine.pem"}', 'MM_ENGINE_CONFIG_CONFLICT', 'tlscert'],
    ['our label with another value', '{"labels": ["provider=me"]}', 'MM_ENGINE_CONFIG_CONFLICT', 'labels'],
  ])('leaves a daemon.json with %s alone', async (_, content, code, named) => {
    await writeFile(host, '/etc/docker/daemon.json', content);
    const error = await untouched(() => failureOf(adopted.provision()));
    expect(error.code).toBe(code);
    expect(error.message).toContain(named);
    expect(error.hint).toMatch(/daemon\.json|host's own configuration/);
    await host.must(['rm', '/etc/docker/daemon.json']);
  });

  it('refuses options in /etc/default/docker that dockerd would not take beside ours', async () => {
    await shell(
      host,
      'cp /etc/default/docker /root/default; echo \'DOCKER_OPTS="-H tcp://127.0.0.1:2375"\' >>/etc/default/docker',
    );
    const error = await untouched(() => failureOf(adopted.provision()));
    expect(error).toMatchObject({
      code: 'MM_ENGINE_CONFIG_CONFLICT',
      message: expect.stringContaining('/etc/default/docker'),
    });
    await host.must(['mv', '/root/default', '/etc/default/docker']);
  });

  it('puts everything back when the engine does not come up, and shows its last words', async () => {
    const before = await standOf(host);
    const error = await failureOf(adopted.provision({ options: ['data-root=/proc/none'] }));
    expect(error.code).toBe('MM_ENGINE_START');
    expect(error.message).toContain('The previous configuration is back in place');
    expect(error.details).toMatch(/proc.none/);
    expect(await standOf(host)).toEqual(before);
    expect((await host.must(['systemctl', 'is-active', 'docker'])).trim()).toBe('active');
  });

  it('leaves it to those alone who could read it to read daemon.json', async () => {
    const path = '/etc/docker/daemon.json';
    await writeFile(host, path, '{"debug": true}');
    await shell(host, 'chgrp adm "$1"; chmod 640 "$1"; systemctl restart docker', path);
    const before = await standOf(host);
    const mode = () => host.must(['stat', '-c', '%a %G', path]);
    await adopted.provision({ labels: ['provider=generic', 'more=1'] });
    expect(await mode()).toBe('640 adm\n');
    await adopted.restore();
    expect(await standOf(host)).toEqual(before);
    await shell(host, 'rm "$1"; systemctl restart docker', path);
  });

  it('says that the disk is full before anything is changed', async () => {
    await shell(
      host,
      'mount -t tmpfs -o size=16k tmpfs /etc/docker; head -c 12000 /dev/zero >/etc/docker/filler',
    );
    const error = await untouched(() => failureOf(adopted.provision()));
    await shell(host, 'umount /etc/docker');
    expect(error.code).toBe('MM_PROVISION_DISK_FULL');
    await shell(
      host,
      'mkdir -p /var/lib/mymachine; mount -t tmpfs -o size=8k tmpfs /var/lib/mymachine; head -c 4096 /dev/zero >/var/lib/mymachine/filler',
    );
    const second = await failureOf(adopted.provision());
    await shell(host, 'umount /var/lib/mymachine; rmdir /var/lib/mymachine');
    expect(second.code).toBe('MM_PROVISION_DISK_FULL');
    expect(second.message).toMatch(/MiB on|too little/);
  });

  it.each([
    ['ID=alpine\nVERSION_ID=3.20\n', 'ID=alpine VERSION_ID=3.20'],
    ['ID=debian\nVERSION_ID="10"\n', 'ID=debian VERSION_ID=10'],
  ])('refuses a host that says %j', async (content, shown) => {
    await shell(host, 'cp -P /etc/os-release /root/os-release; rm /etc/os-release');
    await writeFile(host, '/etc/os-release', content);
    const error = await untouched(() => failureOf(adopted.provision()));
    await shell(host, 'rm /etc/os-release; mv /root/os-release /etc/os-release');
    expect(error.code).toBe('MM_PROVISION_UNSUPPORTED');
    expect(error.message).toContain(shown);
    expect(error.hint).toContain('Debian 12 or newer');
  });

  it("takes the place of docker-machine's drop-in, and gives it back", async () => {
    const theirs = `[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock --tlsverify --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem --tlskey /etc/docker/server-key.pem --label provider=generic\nEnvironment=\n`;
    await adopted.provision();
    for (const name of ['ca.pem', 'server.pem', 'server-key.pem'])
      await shell(host, 'cp "/etc/docker/$1" /root/', name);
    await adopted.restore();
    await shell(host, 'mv /root/*.pem /etc/docker/');
    await writeFile(host, '/etc/systemd/system/docker.service.d/10-machine.conf', theirs);
    await shell(host, 'systemctl daemon-reload; systemctl restart docker');
    const before = await standOf(host);
    await adopted.renewCertificate();
    await adopted.provision();
    expect(await adopted.ask()).toContain('"Version"');
    expect((await adopted.provision()).changed).toEqual([]);
    await adopted.restore();
    expect(await standOf(host)).toEqual(before);
    await shell(
      host,
      'rm -r /etc/systemd/system/docker.service.d /etc/docker/*.pem; systemctl daemon-reload; systemctl restart docker',
    );
  });

  it('comes out well when two clients provision at the same moment', async () => {
    const other = await adopt(host);
    await Promise.all([
      adopted.provision(),
      adopted.provision({ labels: ['provider=generic', 'two=2'] }),
      other.provision(),
    ]);
    expect((await host.must(['systemctl', 'is-active', 'docker'])).trim()).toBe('active');
    await adopted.provision();
    expect(await adopted.ask()).toContain('"Version"');
    await other.close();
    await adopted.restore();
  });

  it('follows a change of ours that was cut off before the engine had it', async () => {
    await adopted.provision();
    await shell(host, 'touch /var/lib/mymachine/pending; systemctl stop docker.service');
    expect((await adopted.provision()).changed).toEqual(['service']);
    expect(await adopted.ask()).toContain('"Version"');
    await adopted.restore();
  });
});

describe('provisioning a host without an engine', () => {
  let testbed: Testbed;
  let adopted: Adopted;
  let host: TestHost;

  beforeAll(async () => {
    testbed = await startHosts({ suite: 'bookworm', engine: false, names: ['host1'] });
    host = testbed.host('host1');
    adopted = await adopt(host);
  });
  afterAll(async () => {
    await adopted?.close();
    await testbed?.close();
  });

  it('says what is wrong with the configuration before it installs anything', async () => {
    const before = await standOf(host);
    expect((await failureOf(adopted.provision({ options: ['mtu=wide'] }))).code).toBe('MM_ENGINE_OPTION');
    expect(await standOf(host)).toEqual(before);
  });

  it('says that the host has no network, and what to look at, and leaves nothing there', async () => {
    const before = await standOf(host);
    await host.must(['sh', '-c', 'mv /etc/resolv.conf /root/; echo nameserver 127.0.0.9 >/etc/resolv.conf']);
    const error = await failureOf(adopted.provision());
    expect(error.code).toBe('MM_PROVISION_NO_NETWORK');
    expect(error.hint).toContain('name servers and proxy');
    const script = await failureOf(
      adopted.provision({ install: 'script', installUrl: 'https://get.docker.com' }),
    );
    expect(script.code).toBe('MM_PROVISION_NO_NETWORK');
    await shell(host, 'rm /etc/resolv.conf; mv /root/resolv.conf /etc/resolv.conf');
    expect(await standOf(host)).toEqual(before);
  });

  it('says that a version is not to be had, and which are', async () => {
    const error = await failureOf(adopted.provision({ version: '1.2.3' }));
    expect(error.code).toBe('MM_ENGINE_VERSION');
    expect(error.details).toContain('20.10.');
  });

  it('does not run a script that it could not download whole', async () => {
    const error = await failureOf(
      adopted.provision({ install: 'auto', installUrl: 'http://127.0.0.1:9/install.sh' }),
    );
    expect(['MM_PROVISION_INSTALL', 'MM_PROVISION_NO_NETWORK']).toContain(error.code);
    const missing = await failureOf(
      adopted.provision({ install: 'script', installUrl: 'file:///root/none.sh' }),
    );
    expect(missing.code).toBe('MM_PROVISION_INSTALL');
  });

  it('meets a disk that fills up while packages come', async () => {
    await shell(
      host,
      'apt-get clean; mount -t tmpfs -o size=1m tmpfs /var/cache/apt/archives; mkdir -p /var/cache/apt/archives/partial',
    );
    const error = await failureOf(adopted.provision());
    await shell(host, 'umount /var/cache/apt/archives');
    expect(error.code).toBe('MM_PROVISION_DISK_FULL');
  });

  it('finishes an installation in whose middle the plug was pulled', async () => {
    const before = await standOf(host);
    const work = adopted.provision().catch((error: unknown) => error);
    while (!/unpacked|half/.test((await host.run(['sh', '-c', 'dpkg -s docker.io'])).stdout)) await sleep(50);
    await host.kill();
    await work;
    await adopted.close();
    await host.start();
    adopted = await adopt(host);
    expect((await adopted.provision()).changed).toContain('engine');
    expect(await adopted.ask()).toContain('"Version":"20.10.');
    expect((await adopted.provision()).changed).toEqual([]);
    await adopted.restore();
    expect(await standOf(host)).toEqual(before);
  });

  /** The locks are held until it says that it waits for them. */
  async function releasedWhenWaitedFor(): Promise<void> {
    await expect
      .poll(() => adopted.said.join('\n'), { timeout: 200_000 })
      .toContain('waiting for another program to release apt');
    await host.run(['pkill', '-f', '[f]cntl']);
  }

  it('waits for whoever holds the locks of apt, and says so; then runs a script from a URL', async () => {
    adopted.said.length = 0;
    // docker.io stands in for what get.docker.com installs.
    await writeFile(
      host,
      '/root/install.sh',
      'set -e\napt-get update\napt-get install -y --no-install-recommends docker.io iptables\n',
    );
    await shell(
      host,
      holdLocks,
      '280',
      '/var/lib/dpkg/lock-frontend',
      '/var/lib/dpkg/lock',
      '/var/lib/apt/lists/lock',
    );
    const released = releasedWhenWaitedFor();
    const outcome = await adopted.provision({ install: 'auto', installUrl: 'file:///root/install.sh' });
    await released;
    expect(outcome.engineSource).toBe('script');
    expect(adopted.said.join('\n')).toContain('waiting for another program to release apt');
    expect(await adopted.ask()).toContain('"Version":"20.10.');
    await shell(host, 'rm /root/install.sh');
    await adopted.restore();
  });

  it('finishes what a dpkg was cut off in, before a script installs and before packages are taken off', async () => {
    adopted.said.length = 0;
    const before = await standOf(host);
    const cutOff =
      'touch /var/lib/dpkg/updates/0001; ! apt-get install -y hello-there 2>&1 | grep -q interrupted || exit 0; exit 1';
    await shell(
      host,
      'echo "apt-get update && apt-get install -y --no-install-recommends docker.io iptables" >/root/install.sh',
    );
    await shell(host, cutOff);
    await adopted.provision({ install: 'script', installUrl: 'file:///root/install.sh' });
    expect(await adopted.ask()).toContain('"Version"');
    await shell(host, 'rm /root/install.sh');
    await shell(host, cutOff);
    await adopted.restore();
    expect(adopted.said.filter((line) => line.includes('was cut off; finishing it first'))).toHaveLength(2);
    expect(await standOf(host)).toEqual(before);
  });

  it("waits in the same way for the distribution's packages, in the version that is wanted", async () => {
    await shell(host, holdLocks, '280', '/var/lib/dpkg/lock-frontend', '/var/lib/apt/lists/lock');
    adopted.said.length = 0;
    const released = releasedWhenWaitedFor();
    await adopted.provision({ version: '20.10' });
    await released;
    expect(adopted.said.join('\n')).toMatch(
      /waiting for another program to release apt: held by process \d+/,
    );
    await adopted.restore();
    expect((await host.run(['sh', '-c', 'command -v dockerd'])).exitCode).not.toBe(0);
  });
});

describe.each([
  { login: 'sudo-password', password: TEST_PASSWORD, code: undefined },
  { login: 'sudo-password', password: 'wrong', code: 'MM_PROVISION_SUDO_PASSWORD' },
  { login: 'no-sudo', password: TEST_PASSWORD, code: 'MM_PROVISION_SUDO' },
  { login: 'root', password: '', code: undefined },
] as const)('logging in as $login with the password "$password"', ({ login, password, code }) => {
  it(code === undefined ? 'provisions and restores the host' : `fails with ${code}`, async () => {
    const testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['host1'], login });
    const host = testbed.host('host1');
    let asked = 0;
    const adopted = await adopt(host);
    try {
      if (login === 'no-sudo') await host.must(['chpasswd'], { input: `${host.user}:${TEST_PASSWORD}\n` });
      const before = await standOf(host);
      const sudoPassword = async () => {
        asked += 1;
        return password;
      };
      const work = adopted.provision({}, { sudoPassword });
      if (code !== undefined) {
        const error = await failureOf(work);
        expect(error.code).toBe(code);
        expect(`${error.message}${error.hint}${error.details}`).not.toContain(password);
        expect(await standOf(host)).toEqual(before);
      } else {
        await work;
        expect(await adopted.ask()).toContain('"Version"');
        expect(asked).toBe(login === 'root' ? 0 : 1);
      }
      expect(
        await host.must(['sh', '-c', 'journalctl --no-pager | grep -c "$1" || :', 'test', TEST_PASSWORD]),
      ).toBe('0\n');
    } finally {
      await adopted.close();
      await testbed.close();
    }
  });
});

describe('a host that root logs in to, while it is being changed', () => {
  let testbed: Testbed;
  let adopted: Adopted;
  let host: TestHost;

  beforeAll(async () => {
    testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['host1'], login: 'root' });
    host = testbed.host('host1');
    adopted = await adopt(host);
  });
  afterAll(async () => {
    await adopted?.close();
    await testbed?.close();
  });

  /** The engine takes its time to end, and when this resolves it has been told to. */
  async function stopping(): Promise<void> {
    while ((await host.run(['sh', '-c', 'systemctl is-active docker'])).stdout.trim() !== 'deactivating')
      await sleep(50);
  }
  const slowly = (seconds: number) =>
    shell(
      host,
      'd=/run/systemd/system/docker.service.d; mkdir -p $d; printf "[Service]\\nExecStopPost=/bin/sleep %s\\n" "$1" >$d/slow.conf; systemctl daemon-reload',
      String(seconds),
    );

  it('finishes what it is at when the user interrupts it', async () => {
    const before = await standOf(host);
    await slowly(5);
    const stop = new AbortController();
    const work = adopted.provision({}, { signal: stop.signal });
    await stopping();
    stop.abort(new Error('SIGINT'));
    expect((await work).changed).toContain('certificates');
    expect(adopted.said.join('\n')).toContain('in the middle of a step, which it finishes first');
    expect(await adopted.ask()).toContain('"Version"');
    expect((await adopted.provision()).changed).toEqual([]);
    await shell(host, 'rm -r /run/systemd/system/docker.service.d; systemctl daemon-reload');
    await adopted.restore();
    expect(await standOf(host)).toEqual(before);
  });

  it('goes on by itself when we are gone, and is put back only then', async () => {
    const before = await standOf(host);
    await slowly(5);
    const work = adopted.provision().catch((error: unknown) => error);
    await stopping();
    await adopted.close();
    expect(await work).toMatchObject({ code: 'MM_SSH_CLOSED' });
    adopted = await adopt(host);
    await adopted.restore();
    await shell(host, 'rm -r /run/systemd/system/docker.service.d; systemctl daemon-reload');
    expect(await standOf(host)).toEqual(before);
    expect((await host.must(['systemctl', 'is-active', 'docker'])).trim()).toBe('active');
  });
});
