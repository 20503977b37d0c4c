import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority, createClientCertificate } from '../../src/certs/create.ts';
import { Sandbox } from '../cli/program.ts';
import { type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { putRecord, snapshot, version1, version2, version3 } from './records.ts';

let user: Sandbox;
let engine: FakeEngine;

/** The store's certificates as docker-machine made them; none of them beside the machine. */
beforeAll(async () => {
  user = await Sandbox.make();
  const certDir = join(user.store, 'certs');
  await mkdir(certDir, { recursive: true, mode: 0o700 });
  const now = Date.now();
  const ca = await createAuthority({ organization: 'tester', now });
  const client = await createClientCertificate(ca, { organization: 'tester.<bootstrap>', now });
  for (const [file, text] of Object.entries({
    'ca.pem': ca.cert,
    'ca-key.pem': ca.key,
    'cert.pem': client.cert,
    'key.pem': client.key,
  }))
    await writeFile(join(certDir, file), text, { mode: 0o600 });
  engine = await startFakeEngine({ certDir });
});

afterAll(async () => {
  await engine.close();
  await user.remove();
});

// docker-machine kept host:port as the address, and no certificates in the folder.
const made = (name: string, store = user.store) => ({
  store,
  name,
  driverName: 'none',
  driver: { IPAddress: engine.address, URL: `tcp://${engine.address}` },
});

test('a machine that docker-machine made of a URL works with the certificates of the store, which nobody copies', async () => {
  await putRecord(user.store, 'v1', version1(made('v1')));
  await putRecord(user.store, 'v2', version2(made('v2')));
  await putRecord(user.store, 'v3', version3(made('v3')));
  await putRecord(
    user.store,
    'moved',
    version3(made('moved', join(user.home, 'gone', '.docker', 'machine'))),
  );
  // docker-machine itself put the root of the store where
  // the machine's folder belongs when it migrated version 1.
  const folder = join(user.store, 'machines', 'rooted');
  await putRecord(
    user.store,
    'rooted',
    version3(made('rooted')).replace(`"StorePath": "${folder}"`, `"StorePath": "${user.store}"`),
  );
  const before = await snapshot(user.home);
  const certs = join(user.store, 'certs');
  for (const name of ['v1', 'v2', 'v3', 'moved', 'rooted']) {
    const env = await user.run(['env', '--shell', 'sh', name]);
    expect(env, env.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(env.stdout).toContain(`export DOCKER_CERT_PATH="${certs}"\n`);
    expect(env.stdout).toContain(`export DOCKER_HOST="tcp://${engine.address}"\n`);
  }
  expect((await user.run(['config', 'v3'])).stdout).toBe(
    `--tlsverify\n--tlscacert="${certs}/ca.pem"\n--tlscert="${certs}/cert.pem"\n--tlskey="${certs}/key.pem"\n-H=tcp://${engine.address}\n`,
  );
  expect(await user.run(['version', 'v1'])).toMatchObject({ code: 0, stdout: '28.5.2\n' });
  const listed = (await user.run(['ls', '--format', '{{.Name}} {{.DockerVersion}} {{.Error}}'])).stdout;
  expect(listed).toBe('moved v28.5.2 \nrooted v28.5.2 \nv1 v28.5.2 \nv2 v28.5.2 \nv3 v28.5.2 \n');
  expect(await snapshot(user.home)).toEqual(before);
});

test('certificates that docker could not find in one folder are used where that works, and else named', async () => {
  const text = version3(made('scattered')).replace('certs/cert.pem', 'certs/team-cert.pem');
  await putRecord(user.store, 'scattered', text);
  const missing = await user.run(['config', 'scattered']);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('MM_CERTS_MISSING') });
  expect(missing.stderr).toContain(`Copy ca.pem, cert.pem and key.pem of that engine's clients into`);
  await user.exec(['cp', join(user.store, 'certs', 'cert.pem'), join(user.store, 'certs', 'team-cert.pem')]);
  expect(await user.run(['config', 'scattered'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('certs/team-cert.pem"\n'),
  });
  const refused = await user.run(['env', '--shell', 'sh', 'scattered']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('docker wants ca.pem, cert.pem and key.pem in one folder');
  expect(refused.stderr).toContain(`Copy them into ${join(user.store, 'machines', 'scattered')}`);
});
