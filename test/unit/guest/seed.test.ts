import { expect, test } from 'vitest';
import { type SeedRequest, seedConfig, seedFiles } from '../../../src/guest/seed.ts';

const request: SeedRequest = {
  instanceId: 'i-1',
  hostname: 'host1',
  user: 'docker',
  authorizedKeys: ['ssh-ed25519 AAAA user@here'],
  hostKey: { privateKey: '-----BEGIN\nline: "two"\n-----END\n', publicKey: 'ssh-ed25519 BBBB' },
};

const textOf = (name: string, from: SeedRequest = request) =>
  Buffer.from(seedFiles(from).find((file) => file.name === name)?.content ?? []).toString('utf8');

/** The parts of a MIME message, decoded, with their headers. */
function partsOf(message: string): { headers: string; body: string }[] {
  const boundary = /boundary="([^"]+)"/.exec(message)?.[1] ?? '';
  return message
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [headers = '', ...rest] = part.trimStart().split('\n\n');
      const body = rest.join('\n\n');
      return { headers, body: /base64/.test(headers) ? Buffer.from(body, 'base64').toString('utf8') : body };
    });
}

test('user data is cloud-config, and every value in it survives as it was', () => {
  const [first, ...rest] = textOf('user-data').split('\n');
  expect(first).toBe('#cloud-config');
  expect(JSON.parse(rest.join('\n'))).toEqual(seedConfig(request));
  expect(JSON.parse(rest.join('\n')).ssh_keys.ed25519_private).toBe(request.hostKey.privateKey);
});

test('no locale is made, told as a text: cloud-init before 23 takes no other (its schema of cc_locale)', () => {
  // cc_locale.py reads it by util.is_false, to which the word is as good as the value.
  expect(seedConfig(request)['locale']).toBe('false');
});

test('a user’s own group is there before the user: cloud-init makes none for a primary group alone', () => {
  expect(seedConfig({ ...request, user: 'alice' })).toMatchObject({
    groups: ['alice'],
    users: [{ name: 'alice', primary_group: 'alice' }],
  });
});

test('the guest has one user, who logs in with our key alone, and one host key, which is ours', () => {
  expect(seedConfig(request)).toMatchObject({
    users: [{ name: 'docker', lock_passwd: true, ssh_authorized_keys: ['ssh-ed25519 AAAA user@here'] }],
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_genkeytypes: ['ed25519'],
  });
});

test('meta-data tells the instance and its name, and the network only when there is one to tell', () => {
  expect(JSON.parse(textOf('meta-data'))).toEqual({ 'instance-id': 'i-1', 'local-hostname': 'host1' });
  expect(seedFiles(request).map(({ name }) => name)).toEqual(['meta-data', 'user-data']);
  const network = { version: 2, ethernets: {} };
  expect(JSON.parse(textOf('network-config', { ...request, network }))).toEqual(network);
});

test('later stages of cloud-init are left out only when the user has nothing for them to do', () => {
  expect(seedConfig(request)).toHaveProperty('write_files');
  expect(seedConfig({ ...request, userData: Buffer.from('#!/bin/sh\n') })).not.toHaveProperty('write_files');
});

test('a user’s cloud-config follows ours and is merged so that ours stays in force', () => {
  const mine = '#cloud-config\nusers: [{name: me}]\nruncmd: [[touch, /ü]]\n';
  const message = textOf('user-data', { ...request, userData: Buffer.from(mine) });
  const [ours, theirs] = partsOf(message);
  expect(ours?.headers).toContain('text/cloud-config');
  expect(ours?.body).toContain('"name": "docker"');
  expect(theirs?.headers).toContain('Merge-Type: list(append)+dict(no_replace,recurse_array)+str()');
  expect(theirs?.body).toBe(mine);
});

test('a user’s MIME message becomes a part as it is, under a boundary that it does not have, and ours comes last', () => {
  const mine =
    'Content-Type: multipart/mixed; boundary="==mymachine-0=="\n\n--==mymachine-0==\n\n#!/bin/sh\n--==mymachine-0==--\n';
  const message = textOf('user-data', { ...request, userData: Buffer.from(mine) });
  expect(message.split('\n')[0]).toContain('"==mymachine-1=="');
  const [theirs, ours] = partsOf(message);
  expect(`${theirs?.headers}\n\n${theirs?.body}`.trim()).toBe(mine.trim());
  expect(ours?.body).toContain('#cloud-config');
});

test('bytes of a MIME message that are no ASCII arrive as they were, in whatever encoding', () => {
  const head =
    'Content-Type: text/x-shellscript; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n#!/bin/sh\n';
  const mine = Buffer.concat([
    Buffer.from(`${head}echo grüß 你好 >/etc/motd\n`),
    Buffer.from([0xe4, 0xff, 0x0a]),
  ]);
  const message = seedFiles({ ...request, userData: mine }).find(({ name }) => name === 'user-data')?.content;
  expect(Buffer.from(message ?? []).includes(mine)).toBe(true);
});

test.each([
  ['too long', Buffer.concat([Buffer.from('#!/bin/sh\n'), Buffer.alloc(1024 * 1024)])],
  ['of no known kind', Buffer.from('echo hello\n')],
  ['empty', Buffer.from('')],
])('user data that is %s is refused', (_, userData) => {
  expect(() => seedFiles({ ...request, userData })).toThrow(
    expect.objectContaining({ code: 'MM_GUEST_USER_DATA' }),
  );
});
