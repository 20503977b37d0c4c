import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Instance } from '../../testbed/ec2/instances.ts';
import { type Ec2Server, startEc2 } from '../../testbed/ec2/server.ts';
import { newUser, type User } from '../support/user.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIATESTBED0000', AWS_SECRET_ACCESS_KEY: 'env-secret' };

let server: Ec2Server;
let user: User;
let args: readonly string[];

beforeAll(async () => {
  server = await startEc2({ hosts: true });
  user = await newUser(KEYS);
  args = ['create', '--driver', 'amazonec2', '--amazonec2-endpoint', server.url];
});

afterEach(() => server.cloud.resetBehaviour());

afterAll(async () => {
  await server?.close();
  await user?.sandbox.remove();
});

const pins = (name: string) => readFile(join(user.sandbox.store, 'machines', name, 'known_hosts'), 'utf8');

const certificate = () => readFile(join(user.sandbox.store, 'machines', 'ec', 'server.pem'), 'utf8');

test('an instance of EC2 lives from create to rm, moves to a new address, and leaves nothing', async () => {
  const { cloud } = server;
  await user.must([...args, 'ec']);
  expect(await user.docker('ec', `version --format '{{.Server.Version}}'`)).toMatch(/^\d+\.\d+/);
  expect(await user.must(['ls'])).toMatch(
    /^ec .* amazonec2 .* Running .* tcp:\/\/10\.91\.\d+\.\d+:2376 .* v\d+/m,
  );
  expect(await user.must(['ssh', 'ec', 'id -un; hostname'])).toBe('ubuntu\nec\n');
  for (const words of ['ssh ec true', 'env --shell bash ec', 'config ec', 'ip ec', 'url ec', 'status ec']) {
    const before = server.calls.length;
    await user.must(words.split(' '));
    expect(
      server.calls.slice(before).map(({ action }) => action),
      words,
    ).toEqual(['DescribeInstances']);
  }
  // The key in the launch data is dead: the host has made its own, and that one alone is pinned.
  const [launched] = cloud.every<Instance>('instance');
  const handedOver = /ssh-ed25519 [^" ]+/g.exec(
    launched?.userData.toString().split('ed25519_public')[1] ?? '',
  )?.[0];
  const own = (await user.must(['ssh', 'ec', 'cat /etc/ssh/ssh_host_ed25519_key.pub'])).trim();
  expect(own).not.toBe(handedOver);
  expect(handedOver).toMatch(/^ssh-ed25519 /);
  expect(await pins('ec')).toBe(`ec ${own}\n`);
  // EC2 takes its time to reboot an instance, and what
  // answers meanwhile is what is about to go down.
  const boot = async () => user.must(['ssh', 'ec', 'cat /proc/sys/kernel/random/boot_id']);
  const before = await boot();
  cloud.behaviour.transitionMs = 6000;
  await user.must(['restart', 'ec']);
  cloud.resetBehaviour();
  expect(await boot()).not.toBe(before);
  const [url, first] = [await user.must(['url', 'ec']), await certificate()];
  await user.must(['stop', 'ec']);
  expect(await user.must(['status', 'ec'])).toBe('Stopped\n');
  await user.must(['start', 'ec']);
  expect(await user.must(['url', 'ec'])).not.toBe(url);
  expect(await certificate()).not.toBe(first);
  expect(await user.docker('ec', `version --format '{{.Server.Version}}'`)).toMatch(/^\d+\.\d+/);
  await user.must(['rm', '-y', 'ec']);
  expect(cloud.living()).toEqual([]);
  expect(
    cloud.ledger
      .filter(({ event }) => event === 'created')
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual(['instance', 'key-pair', 'network-interface', 'security-group', 'volume']);
  expect(await user.must(['ls', '-q'])).toBe('');
  expect(server.fleet.failures).toEqual([]);
});

test('throttled, eventually consistent and without room in two zones, a create succeeds and rm leaves nothing', async () => {
  const { cloud } = server;
  Object.assign(cloud.behaviour, {
    throttleEvery: 3,
    consistencyMs: 5000,
    fullZones: ['us-east-1a', 'us-east-1b'],
    pageLimit: 1,
  });
  const userData = join(user.sandbox.home, 'user-data');
  await writeFile(userData, '#!/bin/sh\necho theirs >/etc/theirs\n');
  await user.must([...args, '--amazonec2-userdata', userData, '--amazonec2-ssh-user', 'admin', 'storm']);
  const made = cloud.every<Instance>('instance').filter(({ gone }) => !gone);
  expect(made.map(({ zone }) => zone)).toEqual(['us-east-1c']);
  expect(await user.must(['version', 'storm'])).toMatch(/^\d+\.\d+/);
  expect(await user.must(['ssh', 'storm', 'cat /etc/theirs; id -un'])).toBe('theirs\nadmin\n');
  await user.must(['rm', '-y', 'storm']);
  expect(cloud.living()).toEqual([]);
});
