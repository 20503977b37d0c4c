import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServerCertificate } from '../../../src/certs/create.ts';
import { describeCertificate } from '../../../src/certs/inspect.ts';
import { gatewayOf, type Subnet } from '../../../src/drivers/nspawn/network/subnet.ts';
import { networkFile } from '../../../src/drivers/nspawn/root/guest-files.ts';
import { newUser, type User } from '../support/user.ts';

// Two machines for all of it: what is done to their
// certificates, and what that does to their containers.
const [FIRST, SECOND] = ['first', 'second'];
const DAY_MS = 86_400_000;

let user: User;
const processes = new Map<string, string>();

beforeAll(async () => {
  user = await newUser();
  await Promise.all([FIRST, SECOND].map((name) => user.must(['create', '--driver', 'nspawn', name])));
  for (const name of [FIRST, SECOND]) {
    await user.importImage(name);
    await user.docker(name, 'run -d --name keeper --restart always --stop-timeout 1 box sleep 100000');
    processes.set(name, await running(name));
  }
});

afterAll(async () => {
  await user.mymachine(['rm', '-f', FIRST, SECOND]);
  await user.sandbox.remove();
});

const machineFile = (name: string, file: string) =>
  readFile(join(user.sandbox.store, 'machines', name, file), 'utf8');
const certFile = (file: string) => readFile(join(user.sandbox.store, 'certs', file), 'utf8');
const running = (name: string) =>
  user.docker(name, `inspect --format '{{.State.Pid}} {{.State.StartedAt}}' keeper`);
const env = (name: string, ...more: string[]) => user.mymachine(['env', '--shell', 'bash', ...more, name]);

/** The keeper is the same process as at the beginning. */
async function expectKept(...names: readonly string[]): Promise<void> {
  for (const name of names) expect(await running(name), name).toBe(processes.get(name));
}

/** What an engine shows from now on. Such a restart is not ours: the keeper is a new process. */
async function place(name: string, pair: { readonly cert: string; readonly key: string }): Promise<void> {
  const script =
    'cd /etc/docker && cat >both.pem && sed -n "/BEGIN CERT/,/END CERT/p" both.pem >server.pem && sed -n "/BEGIN RSA/,/END RSA/p" both.pem >server-key.pem && rm both.pem && systemctl restart docker && docker inspect --format "{{.State.Pid}} {{.State.StartedAt}}" keeper';
  const input = `${pair.cert}\n${pair.key}\n`;
  processes.set(name, await user.must(['ssh', name, `sudo sh -c '${script}'`], { input }));
}

async function authority(): Promise<{ cert: string; key: string }> {
  return { cert: await certFile('ca.pem'), key: await certFile('ca-key.pem') };
}

test('an engine whose certificate has expired is refused with the command that renews it, and --fix does', async () => {
  const { hostname } = new URL((await user.must(['url', FIRST])).trim());
  await place(
    FIRST,
    await createServerCertificate(await authority(), {
      organization: 'late',
      now: Date.now() - 10 * DAY_MS,
      days: 3,
      sans: [hostname],
    }),
  );
  const refused = await env(FIRST);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('Error id: MM_ENGINE_CERT_EXPIRED');
  expect(refused.stderr).toContain(`"mymachine env --fix ${FIRST}"`);
  const fixed = await env(FIRST, '--fix');
  expect(fixed, fixed.stderr).toMatchObject({ code: 0 });
  expect(fixed.stdout).toMatch(/^export DOCKER_TLS_VERIFY="1"\n/);
  expect(fixed.stderr).toContain(`Renewing the certificates of "${FIRST}": The certificate of the engine`);
  await expectKept(FIRST);
});

test('an address that the certificate does not name is fixed by env --fix where the host runs, with the same containers', async () => {
  const { hostname } = new URL((await user.must(['url', FIRST])).trim());
  const other = hostname.replace(/\.\d+$/, '.239');
  await user.must(['ssh', FIRST, `sudo ip address add ${other}/24 dev host0`]);
  await moveTo(FIRST, other);
  const refused = await env(FIRST);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('Error id: MM_ENGINE_CERT_NAME');
  expect(refused.stderr).toContain(`"mymachine env --fix ${FIRST}"`);
  const fixed = await env(FIRST, '--fix');
  expect(fixed, fixed.stderr).toMatchObject({ code: 0 });
  expect(fixed.stdout).toContain(`tcp://${other}:2376`);
  await expectKept(FIRST);
  await moveTo(FIRST, hostname);
  expect(await env(FIRST, '--fix')).toMatchObject({ code: 0 });
  await expectKept(FIRST);
});

/** What DHCP or a cloud does: the record names another address from now on. */
async function moveTo(name: string, address: string): Promise<void> {
  const path = join(user.sandbox.store, 'machines', name, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.Driver.IPAddress = address;
  await writeFile(path, JSON.stringify(config));
}

test('start renews the certificate of a machine that comes back under another address, and says so', async () => {
  const { hostname } = new URL((await user.must(['url', SECOND])).trim());
  const other = hostname.replace(/\.\d+$/, '.240');
  const network = networkFile(other, gatewayOf(hostname.replace(/\.\d+$/, '') as Subnet));
  await user.must(['ssh', SECOND, 'sudo tee /etc/systemd/network/10-mymachine.network'], { input: network });
  await user.must(['stop', SECOND]);
  const lease = join(user.sandbox.store, 'nspawn', 'network.json');
  await writeFile(lease, (await readFile(lease, 'utf8')).replace(`"${hostname}"`, `"${other}"`));
  await moveTo(SECOND, other);
  const started = await user.must(['start', SECOND]);
  expect(started).toContain(
    `Renewing the certificates of "${SECOND}": The certificate of the engine is not for ${other}`,
  );
  expect(started).toContain(`Machine "${SECOND}" was started.`);
  expect((await user.must(['url', SECOND])).trim()).toBe(`tcp://${other}:2376`);
  expect(describeCertificate(await machineFile(SECOND, 'server.pem')).sans).toContain(other);
  // It was switched off: the engine started its
  // container again, and from here on it stays the same.
  processes.set(SECOND, await running(SECOND));
});

test('a new authority names the other machines before and after, and one command brings all of them over', async () => {
  const [old, oldCert] = [await certFile('ca.pem'), await machineFile(SECOND, 'cert.pem')];
  const declined = await user.mymachine(['regenerate-certs', '--new-ca', FIRST], { input: 'n\n' });
  expect(declined).toMatchObject({ code: 0 });
  expect(declined.stdout).toBe('Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ');
  expect(declined.stderr).toContain(
    `Other machines trust the old one, and must be brought over to the new one: ${SECOND}.`,
  );
  expect(declined.stderr).toContain(`mymachine regenerate-certs --new-ca ${FIRST} ${SECOND}`);
  expect(await certFile('ca.pem')).toBe(old);

  // The first try dies between the new authority and the hosts.
  const killed = await user.mymachine(['regenerate-certs', '--new-ca', '-f', FIRST], {
    onStart: (child) => {
      child.stdout?.on('data', (text) => {
        if (String(text).includes('Waiting for SSH')) child.kill('SIGKILL');
      });
    },
  });
  expect(killed.signal).toBe('SIGKILL');
  const renewed = await certFile('ca.pem');
  expect(renewed).not.toBe(old);
  // Nobody is locked out: both engines still know what their folders hold.
  for (const name of [FIRST, SECOND]) {
    expect(await machineFile(name, 'ca.pem')).toBe(old);
    expect(await env(name)).toMatchObject({ code: 0 });
  }

  const one = await user.mymachine(['regenerate-certs', '-f', FIRST]);
  expect(one, one.stderr).toMatchObject({ code: 0 });
  expect(one.stderr).toContain(
    `Still with the former certificate authority: ${SECOND}. Bring over to the new one with: mymachine regenerate-certs ${SECOND}\n`,
  );
  expect(await machineFile(FIRST, 'ca.pem')).toBe(renewed);
  expect(await machineFile(SECOND, 'cert.pem')).toBe(oldCert);

  const all = await user.mymachine(['regenerate-certs', '-f', FIRST, SECOND]);
  expect(all, all.stderr).toMatchObject({ code: 0, stderr: '' });
  for (const name of [FIRST, SECOND]) {
    expect(await machineFile(name, 'ca.pem')).toBe(renewed);
    expect(await machineFile(name, 'cert.pem')).toBe(await certFile('cert.pem'));
    expect(await env(name)).toMatchObject({ code: 0 });
  }
  await expectKept(FIRST, SECOND);
});

test('a host whose clock is wrong is told of while its certificates are renewed', async () => {
  const wrapper =
    '#!/bin/sh\nif [ "$*" = +%s ]; then echo $(($(/usr/bin/date +%s) - 7200)); else exec /usr/bin/date "$@"; fi\n';
  await user.must(['ssh', FIRST, 'sudo sh -c "cat >/usr/local/bin/date && chmod 755 /usr/local/bin/date"'], {
    input: wrapper,
  });
  const outcome = await user.mymachine(['regenerate-certs', '-f', FIRST]);
  await user.must(['ssh', FIRST, 'sudo rm /usr/local/bin/date']);
  expect(outcome.stderr).toMatch(/The clock of the host is 2 h 0 min behind this computer's/);
  await expectKept(FIRST);
});
