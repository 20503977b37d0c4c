import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
} from '../../../src/certs/create.ts';
import { newUser, type User } from '../support/user.ts';

const NAME = 'tls1';
const DAY_MS = 86_400_000;

let user: User;
let folder = '';
let saved = '';

const file = (name: string) => join(folder, name);

beforeAll(async () => {
  user = await newUser();
  await user.must(['create', '--driver', 'nspawn', NAME]);
  folder = join(user.sandbox.store, 'machines', NAME);
  saved = await mkdtemp(join(user.sandbox.home, 'saved-'));
  for (const name of ['ca.pem', 'cert.pem', 'key.pem']) await copyFile(file(name), join(saved, name));
});

beforeEach(async () => {
  for (const name of ['ca.pem', 'cert.pem', 'key.pem']) await copyFile(join(saved, name), file(name));
});

afterAll(async () => {
  await user.mymachine(['rm', '-f', NAME]);
  await user.sandbox.remove();
});

async function address(): Promise<{ host: string; port: number }> {
  const { hostname, port } = new URL((await user.must(['url', NAME])).trim());
  return { host: hostname, port: Number(port) };
}

/** What a bare TLS client meets: the engine's answer, or the alert that ends the connection. */
async function knock(options: { readonly cert?: string; readonly key?: string }): Promise<string> {
  const ca = await readFile(file('ca.pem'), 'utf8');
  const { host, port } = await address();
  return new Promise((resolve) => {
    const socket = connect({ host, port, ca, ...options }, () => socket.write('GET /_ping HTTP/1.0\r\n\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', (error) => resolve(String((error as NodeJS.ErrnoException).code ?? error)));
  });
}

async function expectRefused(code: string, words: RegExp): Promise<void> {
  const env = await user.mymachine(['env', '--shell', 'bash', NAME]);
  expect(env).toMatchObject({ code: 1, stdout: '' });
  expect(env.stderr).toContain(`Error id: ${code}`);
  expect(env.stderr).toMatch(words);
  expect(env.stderr).toMatch(/^Hint: .+/m);
}

test('the engine answers the certificate that we made, and refuses to talk without one', async () => {
  const own = {
    cert: await readFile(file('cert.pem'), 'utf8'),
    key: await readFile(file('key.pem'), 'utf8'),
  };
  expect(await knock(own)).toContain('200 OK');
  expect(await knock({})).toMatch(/^ERR_SSL_.*(CERTIFICATE|HANDSHAKE)|ECONNRESET/);
});

test('a client certificate of another authority is refused, and the error says so', async () => {
  const other = await createAuthority({ organization: 'stranger', now: Date.now() });
  const client = await createClientCertificate(other, { organization: 'stranger', now: Date.now() });
  expect(await knock(client)).toMatch(/^ERR_SSL_|ECONNRESET/);
  await writeFile(file('cert.pem'), client.cert);
  await writeFile(file('key.pem'), client.key);
  await expectRefused('MM_ENGINE_CLIENT_CERT', /client certificate/i);
});

test('an expired client certificate is refused, and the error says so', async () => {
  const certs = join(user.sandbox.store, 'certs');
  const ca = {
    cert: await readFile(join(certs, 'ca.pem'), 'utf8'),
    key: await readFile(join(certs, 'ca-key.pem'), 'utf8'),
  };
  const client = await createClientCertificate(ca, {
    organization: 'late',
    now: Date.now() - 10 * DAY_MS,
    days: 3,
  });
  expect(await knock(client)).toMatch(/^ERR_SSL_|ECONNRESET/);
  await writeFile(file('cert.pem'), client.cert);
  await writeFile(file('key.pem'), client.key);
  await expectRefused('MM_ENGINE_CERT_EXPIRED', /expired/i);
});

test('an engine that shows a certificate of another authority is refused by us, and the error says so', async () => {
  const other = await createAuthority({ organization: 'stranger', now: Date.now() });
  await writeFile(file('ca.pem'), other.cert);
  await expectRefused('MM_ENGINE_CERT_AUTHORITY', /authority|signed/i);
});

test('an engine whose own certificate has expired is refused by us, and regenerate-certs mends it', async () => {
  const certs = join(user.sandbox.store, 'certs');
  const ca = {
    cert: await readFile(join(certs, 'ca.pem'), 'utf8'),
    key: await readFile(join(certs, 'ca-key.pem'), 'utf8'),
  };
  const { host } = await address();
  const late = await createServerCertificate(ca, {
    organization: 'late',
    now: Date.now() - 10 * DAY_MS,
    days: 3,
    sans: [host],
  });
  const place = async (pair: { cert: string; key: string }) => {
    const script =
      'cd /etc/docker && cat >both.pem && sed -n "/BEGIN CERT/,/END CERT/p" both.pem >server.pem && sed -n "/BEGIN RSA/,/END RSA/p" both.pem >server-key.pem && rm both.pem && systemctl restart docker';
    await user.must(['ssh', NAME, `sudo sh -c '${script}'`], { input: `${pair.cert}\n${pair.key}\n` });
  };
  await place(late);
  await expectRefused('MM_ENGINE_CERT_EXPIRED', /expired/i);
  await user.must(['regenerate-certs', '-f', NAME]);
  expect(await user.docker(NAME, "version --format '{{.Server.Os}}'")).toBe('linux\n');
});

test('under an address that its certificate does not name the engine is refused by us, and the error names those it has', async () => {
  const { host, port } = await address();
  const other = host.replace(/\.\d+$/, '.199');
  await user.must(['ssh', NAME, `sudo ip address add ${other}/24 dev host0`]);
  await user.must(['create', '--driver', 'none', '--url', `tcp://${other}:${port}`, 'alias']);
  const env = await user.mymachine(['env', '--shell', 'bash', 'alias']);
  expect(env).toMatchObject({ code: 1, stdout: '' });
  expect(env.stderr).toContain('Error id: MM_ENGINE_CERT_NAME');
  expect(env.stderr).toContain(host);
  await user.must(['rm', '-y', 'alias']);
});

test('a key that is not the certificate’s is no way in', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  await writeFile(file('key.pem'), privateKey);
  const env = await user.mymachine(['env', '--shell', 'bash', NAME]);
  expect(env).toMatchObject({ code: 1, stdout: '' });
  expect(env.stderr).toMatch(/Error id: MM_/);
  await rm(file('key.pem'));
});
