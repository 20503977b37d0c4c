import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Sandbox } from '../cli/program.ts';
import {
  each,
  type Made,
  putRecord,
  SNOWFLAKE,
  snapshot,
  version1,
  version2,
  version3,
  versions,
  withSnowflake,
} from './records.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

/** A machine that is only a URL, with what a plugin's JSON might hold. */
const only = (name: string): Made => ({
  store: user.store,
  name,
  driverName: 'none',
  driver: {
    IPAddress: '127.0.0.1:1',
    URL: 'tcp://127.0.0.1:1',
    DropletID: 'SNOWFLAKE',
    Tags: { '<b>': ['x'] },
  },
});

const putAll = () =>
  Promise.all(
    Object.entries(versions).map(([name, make]) =>
      putRecord(user.store, name, withSnowflake(make(only(name)))),
    ),
  );

const READS = (name: string) => [
  ['ls'],
  ['ls', '-q'],
  ['ls', '--json'],
  ['ls', '--format', '{{.Name}} {{.SwarmOptions.Master}}'],
  ['inspect', name],
  ['inspect', '-f', '{{json .Driver}}', name],
  ['url', name],
  ['ip', name],
  ['status', name],
  ['active'],
  ['config', name],
  ['env', '--shell', 'sh', name],
  ['version', name],
  ['ssh', name, 'true'],
  ['host-key', name],
];

test('machines of every version are listed and read, and reading writes nothing, not even a lock', async () => {
  await putAll();
  const before = await snapshot(user.home);
  const names = Object.keys(versions).sort();
  expect((await user.run(['ls', '-q'])).stdout).toBe(names.map((name) => `${name}\n`).join(''));
  const listed = JSON.parse((await user.run(['ls', '--json'])).stdout);
  for (const row of listed)
    expect(row).toMatchObject({
      driver: 'none',
      state: 'Running',
      url: 'tcp://127.0.0.1:1',
      swarm: expect.stringContaining('(master)'),
    });
  await each(names, async (name) =>
    expect((await user.run(['url', name])).stdout).toBe('tcp://127.0.0.1:1\n'),
  );
  await each(READS('version1'), (args) => user.run(args, { env: { DOCKER_HOST: 'tcp://127.0.0.1:1' } }));
  expect(await snapshot(user.home)).toEqual(before);
});

test('a record of any version is shown as one of version 3, with everything that it held', async () => {
  await putAll();
  await each(Object.keys(versions), async (name) => {
    const { stdout } = await user.run(['inspect', name]);
    const shown = JSON.parse(stdout);
    const folder = join(user.store, 'machines', name);
    const certs = join(user.store, 'certs');
    expect(shown, name).toMatchObject({
      ConfigVersion: 3,
      DriverName: 'none',
      Name: name,
      Driver: { MachineName: name, URL: 'tcp://127.0.0.1:1', StorePath: user.store },
      HostOptions: {
        SwarmOptions: { Master: true, Discovery: 'token://abc', Host: 'tcp://0.0.0.0:3376' },
        AuthOptions: {
          CertDir: certs,
          CaCertPath: join(certs, 'ca.pem'),
          CaPrivateKeyPath: join(certs, 'ca-key.pem'),
          ClientCertPath: join(certs, 'cert.pem'),
          ClientKeyPath: join(certs, 'key.pem'),
          ServerCertPath: join(folder, 'server.pem'),
          StorePath: folder,
        },
      },
    });
    if (name !== 'version0')
      expect(shown.HostOptions.EngineOptions).toMatchObject({ Labels: ['zone=<a&b>'], TlsCert: '' });
    expect(shown, 'what moved is not left where it was').not.toHaveProperty('StorePath');
    expect(shown.HostOptions.AuthOptions).not.toHaveProperty('PrivateKeyPath');
    expect(stdout).toContain(`"DropletID": ${SNOWFLAKE},`);
    expect(stdout).toContain('"\\u003cb\\u003e": [');
  });
});

test('the first command that writes a machine brings its record up to date and keeps the old one', async () => {
  await putAll();
  await each(Object.keys(versions), async (name) => {
    const path = join(user.store, 'machines', name, 'config.json');
    const old = await readFile(path, 'utf8');
    const shown = (await user.run(['inspect', name])).stdout;
    // It cannot be stopped, but who tries holds the lock and writes.
    expect((await user.run(['stop', name])).stderr).toContain('hosts without a driver cannot be stopped');
    const written = await readFile(path, 'utf8');
    if (name === 'version3') {
      expect(written, 'a record of today is left alone').toBe(old);
      await expect(readFile(`${path}.bak`)).rejects.toThrow('ENOENT');
      return;
    }
    expect(`${written}\n`).toBe(shown);
    expect(await readFile(`${path}.bak`, 'utf8')).toBe(old);
    expect((await user.run(['inspect', name])).stdout).toBe(shown);
    await user.run(['stop', name]);
    expect(await readFile(path, 'utf8')).toBe(written);
    expect(await readFile(`${path}.bak`, 'utf8'), 'the backup is of the old record').toBe(old);
  });
});

test('a record from the future is refused in docker-machine words, listed, and never written', async () => {
  const text = version3(only('later'))
    .replace('"ConfigVersion": 3', '"ConfigVersion": 4')
    .replace('"Driver": {', '"Driver": [], "x": {');
  const path = await putRecord(user.store, 'later', text);
  for (const args of [
    ['inspect', 'later'],
    ['stop', 'later'],
    ['rm', '-y', 'later'],
  ]) {
    const refused = await user.run(args);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('config version is from the future -- you should upgrade'),
    });
    expect(refused.stderr).toContain('MM_MACHINE_FUTURE');
  }
  expect((await user.run(['ls'])).stdout).toMatch(
    /^later .*not found +Error .*config version is from the future/m,
  );
  expect(await readFile(path, 'utf8')).toBe(text);
});

test('machines of drivers that are not here are listed, inspected, refused clearly, and removed from the store alone', async () => {
  const made = {
    store: user.store,
    driver: { AccessToken: 't', DropletID: 'SNOWFLAKE', IPAddress: '192.0.2.7' },
  };
  await putRecord(
    user.store,
    'drop',
    withSnowflake(version1({ ...made, name: 'drop', driverName: 'digitalocean' })),
  );
  await putRecord(
    user.store,
    'fusion',
    withSnowflake(version2({ ...made, name: 'fusion', driverName: 'vmwarefusion' })),
  );
  await putRecord(user.store, 'odd', version3({ ...made, name: 'odd', driverName: '__proto__' }));
  expect((await user.run(['ls', '-q'])).stdout).toBe('drop\nfusion\nodd\n');
  const listed = await user.run(['ls']);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(
    /^drop +- +digitalocean +Error .* Unknown +Driver "digitalocean" not found\. Do you have the plugin binary "docker-machine-driver-digitalocean"/m,
  );
  expect((await user.run(['inspect', 'drop'])).stdout).toContain(`"DropletID": ${SNOWFLAKE},`);
  expect((await user.run(['inspect', '-f', '{{.Driver.IPAddress}}', 'fusion'])).stdout).toBe('192.0.2.7\n');
  await each(
    ['url', 'ip', 'status', 'config', 'env', 'start', 'provision', 'ssh', 'version'],
    async (verb) => {
      const refused = await user.run([verb, 'drop'], { env: { SHELL: '/bin/sh' } });
      expect(refused, verb).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr, verb).toContain('Driver "digitalocean" not found.');
      expect(refused.stderr, verb).toContain('mymachine rm -f drop');
    },
  );
  expect(await user.run(['rm', '-y', 'drop'])).toMatchObject({ code: 1 });
  expect((await user.run(['ls', '-q'])).stdout).toBe('drop\nfusion\nodd\n');
  expect(await user.run(['rm', '-f', 'drop', 'odd'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Successfully removed drop'),
  });
  expect((await user.run(['ls', '-q'])).stdout).toBe('fusion\n');
});

test('a store that was moved is read as if made where it is, and one that was copied is left as it is', async () => {
  const gone = join(user.home, 'old-home', '.docker', 'machine');
  const driver = {
    URL: 'tcp://127.0.0.1:1',
    SSHKeyPath: join(gone, 'machines', 'h1', 'id_rsa'),
    Elsewhere: '/etc/key',
    Boot: [join(gone, 'cache', 'boot2docker.iso'), `${gone}-other`],
  };
  await putRecord(user.store, 'h1', version3({ store: gone, name: 'h1', driverName: 'none', driver }));
  const inspect = async () => JSON.parse((await user.run(['inspect', 'h1'])).stdout);
  const here = join(user.store, 'machines', 'h1');
  expect(await inspect()).toMatchObject({
    Driver: {
      StorePath: user.store,
      SSHKeyPath: join(here, 'id_rsa'),
      Elsewhere: '/etc/key',
      Boot: [join(user.store, 'cache', 'boot2docker.iso'), `${gone}-other`],
    },
    HostOptions: { AuthOptions: { StorePath: here, CaCertPath: join(user.store, 'certs', 'ca.pem') } },
  });
  const told = await user.run(['--debug', 'inspect', 'h1']);
  expect(told.stderr).toContain(`"h1" was made in ${join(gone, 'machines', 'h1')}`);
  await mkdir(join(gone, 'machines', 'h1'), { recursive: true });
  expect(await inspect()).toMatchObject({ Driver: { StorePath: gone, SSHKeyPath: driver.SSHKeyPath } });
  await putRecord(
    user.store,
    'renamed',
    version3({ store: user.store, name: 'before', driverName: 'none', driver }),
  );
  expect(
    (await user.run(['inspect', '-f', '{{.Name}} {{.HostOptions.AuthOptions.StorePath}}', 'renamed'])).stdout,
  ).toBe(`renamed ${join(user.store, 'machines', 'renamed')}\n`);
});

test('two hundred machines are listed, in their natural order and each with its state', async () => {
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => {
      const name = `m${index}`;
      const kind = index % 4 === 3 ? 'digitalocean' : 'none';
      return putRecord(user.store, name, version3({ ...only(name), driverName: kind }));
    }),
  );
  const names = Array.from({ length: 200 }, (_, index) => `m${index}`);
  expect((await user.run(['ls', '-q'])).stdout.trimEnd().split('\n')).toEqual(names);
  const table = (await user.run(['ls'])).stdout.trimEnd().split('\n').slice(1);
  expect(table.map((line) => line.split(/ +/)[0])).toEqual(names);
  expect(table.filter((line) => / none +Running /.test(line))).toHaveLength(150);
  expect(table.filter((line) => / digitalocean +Error /.test(line))).toHaveLength(50);
});

test('a folder of ours is not taken for docker-machine, and the other way round', async () => {
  const path = await putRecord(user.store, 'h1', version3(only('h1')));
  await writeFile(join(path, '..', 'config.json.tmp123'), 'half a rec');
  await writeFile(join(user.store, 'machines', 'a-file'), '');
  await mkdir(join(user.store, 'machines', '.hidden'));
  expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
  expect((await user.run(['ls'])).stdout.trimEnd().split('\n')).toHaveLength(2);
});
