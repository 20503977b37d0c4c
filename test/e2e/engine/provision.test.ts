import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, createClientCertificate } from '../../../src/certs/create.ts';
import type { TestHost } from '../../testbed/host.ts';
import { busyboxImageTar } from '../../testbed/packages.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { type Adopted, adopt, standOf } from '../support/provisioning.ts';

const engines = { bookworm: '20.10.', trixie: '26.1.', sid: '28.5.' } as const;

/** Starts a container that does nothing for a long time; gives its process. */
async function startContainer(host: TestHost): Promise<string> {
  await host.must(['docker', 'import', '-', 'busybox'], { input: await readFile(await busyboxImageTar()) });
  await host.must([
    'docker',
    'run',
    '-d',
    '--name',
    'lives',
    '--network',
    'none',
    'busybox',
    '/bin/sleep',
    '100000',
  ]);
  return processOf(host);
}

async function processOf(host: TestHost): Promise<string> {
  return await host.must(['docker', 'inspect', '-f', '{{.State.Pid}} {{.State.StartedAt}}', 'lives']);
}

for (const suite of ['bookworm', 'trixie', 'sid'] as const) {
  describe.each([
    { engine: true, title: 'with its engine' },
    { engine: false, title: 'without an engine' },
  ])(`provisioning ${suite} $title`, ({ engine }) => {
    let testbed: Testbed;
    let adopted: Adopted;
    let before: readonly string[];
    let container = '';

    beforeAll(async () => {
      testbed = await startHosts({ suite, engine, names: ['host1'] });
      const host = testbed.host('host1');
      adopted = await adopt(host);
      if (engine) container = await startContainer(host);
      before = await standOf(host);
    });
    afterAll(async () => {
      await adopted?.close();
      await testbed?.close();
    });

    it('brings up an engine that answers over mutual TLS', async () => {
      const outcome = await adopted.provision();
      expect(outcome.engineSource).toBe(engine ? 'found' : 'distro');
      expect(outcome.engineVersion).toContain(engines[suite]);
      expect(adopted.originals[0]).toMatchObject({ hostname: 'host1', hadEngine: engine });
      expect(outcome.changed).toEqual(expect.arrayContaining(['certificates', 'configuration', 'unit']));
      expect(outcome.changed.includes('engine')).toBe(!engine);
      expect(outcome.changed.includes('hostname')).toBe(!engine);
      expect((await adopted.host.must(['uname', '-n'])).trim()).toBe(engine ? 'host1' : 'm1');
      expect(await adopted.ask()).toContain(`"Version":"${engines[suite]}`);
    });

    it('lets nobody in without a certificate of the right authority', async () => {
      await expect(adopted.ask({ cert: '', key: '' })).rejects.toThrow(/certificate|handshake/i);
      const now = Date.now();
      const stranger = await createClientCertificate(await createAuthority({ organization: 'x', now }), {
        organization: 'x',
        now,
      });
      await expect(adopted.ask(stranger)).rejects.toThrow(/unknown ca|bad certificate|decrypt/i);
      const key = await adopted.host.must([
        'stat',
        '-c',
        '%a %U',
        '/etc/docker/server-key.pem',
        '/var/lib/mymachine/managed.json',
      ]);
      expect(key).toBe('600 root\n600 root\n');
    });

    it('finds nothing to change the second time, in one command', async () => {
      const commands = adopted.commands();
      const stand = await standOf(adopted.host);
      const outcome = await adopted.provision();
      expect(outcome).toMatchObject({ changed: [] });
      expect(adopted.commands() - commands).toBe(1);
      expect(await standOf(adopted.host)).toEqual(stand);
    });

    it('keeps a container as the same process through new certificates', async () => {
      if (!engine) container = await startContainer(adopted.host);
      expect(await processOf(adopted.host)).toBe(container);
      await adopted.renewCertificate();
      expect((await adopted.provision()).changed).toEqual(['certificates']);
      expect(await processOf(adopted.host)).toBe(container);
      expect(await adopted.ask()).toContain('"Version"');
    });

    it('leaves an engine that can make a swarm, and frees one that was provisioned with live-restore', async () => {
      const { host } = adopted;
      const isKeeping = () => host.must(['docker', 'info', '-f', '{{.LiveRestoreEnabled}}']);
      const swarm = async () => {
        await host.must(['docker', 'swarm', 'init', '--advertise-addr', '127.0.0.1']);
        await host.must(['docker', 'swarm', 'leave', '--force']);
      };
      await swarm();
      const begin = await host.must(['pidof', 'dockerd']);
      // What was written before machines were to be members of swarms.
      const edits = [
        ['/etc/docker/daemon.json', '0,/{/s//{"live-restore": true,/'],
        ['/var/lib/mymachine/managed.json', '0,/"scalars": {/s//"scalars": {"live-restore": true,/'],
      ] as const;
      for (const [path, edit] of edits) await host.must(['sed', '-i', edit, path]);
      await host.must(['systemctl', 'reload', 'docker']);
      await expect.poll(isKeeping, { timeout: 60_000 }).toBe('true\n');
      await expect(swarm()).rejects.toThrow(/live-restore/);
      expect((await adopted.provision()).changed).toContain('configuration');
      await swarm();
      expect(await isKeeping()).toBe('false\n');
      expect(await processOf(host)).toBe(container);
      expect(await host.must(['pidof', 'dockerd'])).toBe(begin);
      expect((await adopted.provision()).changed).toEqual([]);
    });

    it('reloads an engine for what needs no restart, and takes back what is no longer wanted', async () => {
      const pid = () => adopted.host.must(['pidof', 'dockerd']);
      const begin = await pid();
      const labels = ['provider=generic', 'rack=7'];
      expect(
        (await adopted.provision({ labels, registryMirrors: ['https://mirror.invalid'] })).changed,
      ).toEqual(['configuration']);
      expect(await adopted.host.must(['docker', 'info'])).toMatch(/rack=7[\s\S]*https:\/\/mirror\.invalid/);
      expect((await adopted.provision()).changed).toEqual(['configuration']);
      expect(await adopted.host.must(['docker', 'info'])).not.toContain('rack=7');
      expect(await pid()).toBe(begin);
    });

    it("brings an environment of odd characters to the engine's process", async () => {
      const env = ['HTTP_PROXY=http://u:p%20%n"\'$HOME@127.0.0.1:9/', 'ODD= a\\b `x` $$ %% ;#\té'];
      await adopted.provision({ env });
      const environment = await adopted.host.must(['sh', '-c', 'cat /proc/$(pidof dockerd)/environ']);
      for (const assignment of env) expect(environment.split('\0')).toContain(assignment);
      expect((await adopted.provision({ env })).changed).toEqual([]);
    });

    it('leaves nothing of ours when the host is restored', async () => {
      await adopted.restore();
      expect(await standOf(adopted.host)).toEqual(before);
      if (engine) {
        expect(await processOf(adopted.host)).toBe(container);
        expect((await adopted.host.must(['systemctl', 'is-active', 'docker'])).trim()).toBe('active');
      }
      await expect(adopted.ask()).rejects.toThrow(/ECONNREFUSED/);
      await adopted.restore();
      expect(await standOf(adopted.host)).toEqual(before);
    });
  });
}
