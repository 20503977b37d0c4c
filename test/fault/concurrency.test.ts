import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Sandbox } from '../cli/program.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

const create = (name: string) => user.run(['create', '-d', 'none', '-url=tcp://192.0.2.1:2376', name]);

async function expectWhole(): Promise<void> {
  const certs = join(user.store, 'certs');
  const ca = new X509Certificate(await readFile(join(certs, 'ca.pem')));
  const machines = join(user.store, 'machines');
  for (const name of await readdir(machines)) {
    expect(name).not.toMatch(/^\./);
    const config = JSON.parse(await readFile(join(machines, name, 'config.json'), 'utf8'));
    expect(config.Name).toBe(name);
    expect(JSON.parse(await readFile(join(machines, name, 'mymachine.json'), 'utf8')).phase).toBe('ready');
    expect(await readFile(join(machines, name, 'ca.pem'), 'utf8')).toBe(ca.toString());
    const client = new X509Certificate(await readFile(join(machines, name, 'cert.pem')));
    expect(client.verify(ca.publicKey), name).toBe(true);
  }
}

test('eight first creates at once on an empty store make one authority, and every certificate chains to it', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `h${index}`);
  const outcomes = await Promise.all(names.map(create));
  for (const outcome of outcomes) expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(outcomes.filter(({ stdout }) => stdout.includes('Creating CA:'))).toHaveLength(1);
  expect((await readdir(join(user.store, 'certs'))).sort()).toEqual([
    'ca-key.pem',
    'ca.pem',
    'cert.pem',
    'key.pem',
  ]);
  await expectWhole();
});

test('two hundred calls at once, of create, ip, ls and rm, none of which fails or leaves a broken file', async () => {
  const steady = Array.from({ length: 5 }, (_, index) => `steady${index}`);
  await Promise.all(steady.map(create));
  const calls = Array.from({ length: 50 }, (_, index) => [
    create(`new${index}`).then(async (made) => {
      const removed = await user.run(['rm', '-y', `new${index}`]);
      return { made, removed };
    }),
    user.run(['ip', `steady${index % 5}`]),
    user.run(['ls', '-q']),
  ]).flat();
  for (const outcome of await Promise.all(calls)) {
    const all = 'made' in outcome ? [outcome.made, outcome.removed] : [outcome];
    for (const each of all)
      expect(each, `${each.stdout}\n${each.stderr}`).toMatchObject({ code: 0, stderr: '' });
  }
  expect((await user.run(['ls', '-q'])).stdout).toBe(steady.map((name) => `${name}\n`).join(''));
  await expectWhole();
}, 300_000);
