import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthority, createClientCertificate } from '../../src/certs/create.ts';
import { type EngineCertificate, type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { Sandbox } from './program.ts';

const DAY_MS = 86_400_000;
const MARGIN_MS = 3_600_000;

let user: Sandbox;
const engines: FakeEngine[] = [];

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  await user.remove();
});

/** Dates as the program writes them, so many days and a little from now. */
const date = (days: number) => new Date(Date.now() + days * DAY_MS + MARGIN_MS).toISOString().slice(0, 10);

/** An authority and a client certificate of which so many days, and a little, are left. */
async function authority(daysLeft: { readonly ca: number; readonly client: number }): Promise<void> {
  const madeAt = (left: number) => ({
    now: Date.now() + MARGIN_MS + 300_000 - (100 - left) * DAY_MS,
    days: 100,
  });
  const ca = await createAuthority({ organization: 'tester', ...madeAt(daysLeft.ca) });
  const client = await createClientCertificate(ca, {
    organization: 'tester.<bootstrap>',
    ...madeAt(daysLeft.client),
  });
  const folder = join(user.store, 'certs');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'ca.pem'), ca.cert);
  await writeFile(join(folder, 'cert.pem'), client.cert);
  await writeFile(join(folder, 'key.pem'), client.key, { mode: 0o600 });
  await writeFile(join(folder, 'ca-key.pem'), ca.key, { mode: 0o600 });
}

/**
 * A machine whose engine is a stub. Of the driver generic, so that
 * we would renew its certificates, over an SSH that nobody serves.
 */
async function machine(
  name: string,
  certificate: EngineCertificate,
  driver: 'generic' | 'none' = 'generic',
): Promise<void> {
  const engine = await startFakeEngine({ certDir: join(user.store, 'certs'), certificate });
  engines.push(engine);
  const made = await user.run(['create', '-d', 'none', '--url', `tcp://${engine.address}`, name]);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  if (driver === 'none') return;
  const path = join(user.store, 'machines', name, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  const own = { EnginePort: Number(engine.address.split(':')[1]), SSHPort: 1, SSHUser: 'root', SSHKey: '' };
  const generic = { ...config, DriverName: 'generic', Driver: { ...config.Driver, ...own } };
  await writeFile(path, JSON.stringify(generic));
}

const env = (name: string, ...more: string[]) => user.run(['env', '--shell', 'bash', ...more, name]);

test('certificates that are good for more than thirty days are not spoken of', async () => {
  await authority({ ca: 31, client: 31 });
  await machine('h1', 'good');
  for (const args of [['ls'], ['env', '--shell', 'bash', 'h1'], ['config', 'h1']])
    expect(await user.run(args)).toMatchObject({ code: 0, stderr: '' });
});

test("a host's certificate that is also a client's is warned of by ls, env and config", async () => {
  await machine('h1', 'good');
  const folder = join(user.store, 'machines', 'h1');
  await copyFile(join(folder, 'cert.pem'), join(folder, 'server.pem'));
  for (const args of [['ls'], ['env', '--shell', 'bash', 'h1'], ['config', 'h1']]) {
    const { code, stderr } = await user.run(args);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("The server certificate of h1 is also a client's: root on such a host may use");
    expect(stderr).toContain('Replace it with: mymachine regenerate-certs h1.');
  }
  const [row] = JSON.parse((await user.run(['ls', '--json'])).stdout);
  expect(Object.keys(row.certificates)).toEqual(['ca', 'client', 'server']);
});

test('a server certificate that soon expires is warned of by ls, env and config, with the command that renews it', async () => {
  await machine('h1', 'expiring');
  await machine('h2', 'expiring');
  await machine('h3', 'good');
  const listed = await user.run(['ls']);
  expect(listed.code).toBe(0);
  expect(listed.stdout.split('\n')[0]).toMatch(/^NAME +ACTIVE +DRIVER +STATE +URL +SWARM +DOCKER +ERRORS$/);
  expect(listed.stdout).toMatch(/^h1 +- +generic +Running +tcp:\S+ +v28\.5\.2 *$/m);
  const expires = `expires on ${new Date(Date.now() + 20 * DAY_MS - 300_000).toISOString().slice(0, 10)}, in 19 days.`;
  expect(listed.stderr).toBe(
    `The server certificate of h1, h2 ${expires} Renew it with: mymachine regenerate-certs h1 h2\n`,
  );
  const warning = `The server certificate of h1 ${expires} Renew it with: mymachine regenerate-certs h1\n`;
  expect(await env('h1')).toMatchObject({ code: 0, stderr: warning });
  expect((await env('h1')).stdout).toMatch(/^export DOCKER_TLS_VERIFY="1"\n/);
  expect(await user.run(['config', 'h1'])).toMatchObject({ code: 0, stderr: warning });
  // What scripts read is as it was.
  expect(await user.run(['ls', '-q'])).toMatchObject({ stdout: 'h1\nh2\nh3\n', stderr: '' });
  expect(await user.run(['ls', '--format', '{{.Name}}'])).toMatchObject({
    stdout: 'h1\nh2\nh3\n',
    stderr: '',
  });
  const json = JSON.parse((await user.run(['ls', '--json'])).stdout);
  expect(Object.keys(json[0].certificates)).toEqual(['ca', 'client', 'server']);
  // The one that the engine showed, not a file.
  expect(Date.parse(json[0].certificates.server.notAfter)).toBeLessThan(Date.now() + 20 * DAY_MS);
  expect(Date.parse(json[2].certificates.server.notAfter)).toBeGreaterThan(Date.now() + 1000 * DAY_MS);
});

test('an authority and a client certificate that soon expire are warned of, the greater one alone', async () => {
  await authority({ ca: 12, client: 12 });
  await machine('h1', 'expiring');
  expect((await env('h1')).stderr).toBe(
    `The certificate authority of h1 expires on ${date(12)}, in 12 days. Renew it with: mymachine regenerate-certs --client-certs h1\n`,
  );
  await authority({ ca: 90, client: 0 });
  await machine('h2', 'good');
  expect((await env('h2')).stderr).toBe(
    `The client certificate of h2 expires on ${date(0)}, in less than a day. Renew it with: mymachine regenerate-certs --client-certs h2\n`,
  );
});

test('what has expired is said so, and env names the command that renews it', async () => {
  await machine('h1', 'expired');
  const listed = await user.run(['ls']);
  expect(listed.stdout).toMatch(/^h1 .* Unknown +Unable to query docker version: .*has expired \(on /m);
  expect(listed.stderr).toMatch(
    /^The server certificate of h1 expired on \d{4}-\d\d-\d\d\. Renew it with: mymachine regenerate-certs h1\n$/,
  );
  const refused = await env('h1');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('Error id: MM_ENGINE_CERT_EXPIRED');
  expect(refused.stderr).toContain('Hint: Renew them with "mymachine env --fix h1"');
  await authority({ ca: -3, client: 90 });
  await machine('h2', 'good');
  expect((await user.run(['ls'])).stderr).toContain(
    `The certificate authority of h2 expired on ${date(-3)}. Renew it with: mymachine regenerate-certs --client-certs h2\n`,
  );
});

test('for an address that the certificate does not name env offers --fix, and prints nothing to be evaluated', async () => {
  await machine('h1', 'other-name');
  const refused = await env('h1');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('not for 127.0.0.1, but for 192.0.2.99');
  expect(refused.stderr).toContain('"mymachine env --fix h1"');
});

test('an engine that somebody else looks after is not offered to be renewed by us', async () => {
  await machine('h1', 'expiring', 'none');
  expect((await user.run(['ls'])).stderr).toMatch(/in 19 days\. Renew it where that engine is managed\.\n$/);
  await machine('h2', 'expired', 'none');
  for (const more of [[], ['--fix']]) {
    const refused = await env('h2', ...more);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).not.toContain('--fix');
  }
});

test('a certificate that has not begun tells that the clock of this computer is behind', async () => {
  await machine('h1', 'early');
  const refused = await env('h1');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /is not valid yet: it begins on .* UTC, and this computer's clock says .* UTC\n/,
  );
  expect(refused.stderr).toContain("Hint: Set this computer's clock: it is behind");
  expect(refused.stderr).toContain('Error id: MM_ENGINE_CLOCK');
});

test('env --fix with good certificates does nothing, and its hint does not repeat the flag', async () => {
  await machine('h1', 'good');
  const outcome = await env('h1', '--fix');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/^# eval \$\(.* env --shell bash h1\)$/m);
});
