import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createAuthority } from '../../../../src/certs/create.ts';
import { describeCertificate, isSignedBy } from '../../../../src/certs/inspect.ts';
import { clientCredentials, ensureAuthority } from '../../../../src/machine/certs/authority.ts';
import {
  ensureAuthoritiesOf,
  foreseeReplacement,
  leftBehind,
  spreadClientCertificates,
} from '../../../../src/machine/certs/dependents.ts';
import { authorityPathsOf } from '../../../../src/machine/certs/expiry.ts';
import { Store } from '../../../../src/store/store.ts';
import { day, UserStore } from '../user-store.ts';

// Keys are slow to make where many tests share a processor.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

const read = (...path: string[]) => readFile(join(user.root, ...path), 'utf8');

it('makes an authority with the modes of docker-machine, and finds it again', async () => {
  const made = await ensureAuthority(user.deps);
  const mode = async (name: string) => (await stat(join(user.root, 'certs', name))).mode & 0o777;
  expect((await readdir(join(user.root, 'certs'))).sort()).toEqual([
    'ca-key.pem',
    'ca.pem',
    'cert.pem',
    'key.pem',
  ]);
  expect(await mode('')).toBe(0o700);
  expect([await mode('ca.pem'), await mode('cert.pem')]).toEqual([0o644, 0o644]);
  expect([await mode('ca-key.pem'), await mode('key.pem')]).toEqual([0o600, 0o600]);
  expect(made.replaced).toBe(false);
  expect(await ensureAuthority(user.deps)).toEqual(made);
  expect(describeCertificate(made.ca.cert)).toMatchObject({ organization: 'ann', homemade: true });
  expect(describeCertificate(made.client.cert).organization).toBe('ann.<bootstrap>');
});

it('keeps an authority until it expires, renews it earlier when asked to, and keeps what it replaces', async () => {
  const first = await ensureAuthority(user.deps);
  user.now += 1040 * day;
  expect((await ensureAuthority(user.deps, user.deps.authority, 'due')).ca).toEqual(first.ca);
  user.now += 15 * day;
  expect((await ensureAuthority(user.deps)).ca).toEqual(first.ca);
  const due = await ensureAuthority(user.deps, user.deps.authority, 'due');
  expect(due.replaced).toBe(true);
  expect(due.ca.cert).not.toBe(first.ca.cert);
  expect(isSignedBy(due.client.cert, due.ca.cert)).toBe(true);
  const kept = (await readdir(join(user.root, 'certs'))).filter((name) => name.endsWith('.bak'));
  expect(kept.map((name) => name.split('.pem.')[0]).sort()).toEqual(['ca', 'ca-key']);
  const key = kept.find((name) => name.startsWith('ca-key')) ?? '';
  expect(await read('certs', key)).toBe(first.ca.key);
  expect((await stat(join(user.root, 'certs', key))).mode & 0o777).toBe(0o600);
  user.now += 1081 * day;
  expect((await ensureAuthority(user.deps)).replaced).toBe(true);
});

it('renews a client certificate alone when the authority is good', async () => {
  const first = await ensureAuthority(user.deps);
  await unlink(join(user.root, 'certs', 'key.pem'));
  const second = await ensureAuthority(user.deps);
  expect(second.ca).toEqual(first.ca);
  expect(second.client.cert).not.toBe(first.client.cert);
  expect(second.replaced).toBe(false);
});

it('is renewed on demand however good it is', async () => {
  const first = await ensureAuthority(user.deps);
  const second = await ensureAuthority(user.deps, user.deps.authority, 'always');
  expect(second.replaced).toBe(true);
  expect(isSignedBy(second.client.cert, second.ca.cert)).toBe(true);
  expect(isSignedBy(second.client.cert, first.ca.cert)).toBe(false);
});

it('ends a renewal that was cut off between key and certificate, instead of making another authority', async () => {
  const first = await ensureAuthority(user.deps);
  const next = await createAuthority({ organization: 'ann', now: user.now });
  await user.write('ca.pem.new', next.cert);
  // Cut off before the key: nothing has happened.
  expect((await ensureAuthority(user.deps)).ca).toEqual(first.ca);
  await user.write('ca-key.pem', next.key);
  const ended = await ensureAuthority(user.deps);
  expect(ended.ca).toEqual(next);
  expect(isSignedBy(ended.client.cert, next.cert)).toBe(true);
  expect(await readdir(join(user.root, 'certs'))).not.toContain('ca.pem.new');
});

it('never replaces a pair that is broken without being told to', async () => {
  const first = await ensureAuthority(user.deps);
  const other = await createAuthority({ organization: 'ann', now: user.now });
  const refused = async (words: RegExp) => {
    await expect(ensureAuthority(user.deps)).rejects.toMatchObject({
      code: 'MM_CERTS_AUTHORITY',
      message: expect.stringMatching(words),
      hint: expect.stringContaining('regenerate-certs --new-ca'),
    });
    // Nor is it renewed where only what is due is.
    await expect(ensureAuthority(user.deps, user.deps.authority, 'due')).rejects.toThrow(words);
  };
  await user.write('ca-key.pem', other.key);
  await refused(/does not belong to its certificate/);
  await user.write('ca-key.pem', 'nothing');
  await refused(/key of the certificate authority cannot be used: .*holds no private key in PEM/);
  await unlink(join(user.root, 'certs', 'ca-key.pem'));
  await refused(/key of the certificate authority is missing/);
  await user.write('ca-key.pem', first.ca.key);
  await user.write('ca.pem', 'nothing');
  await refused(/cannot be read/);
  await unlink(join(user.root, 'certs', 'ca.pem'));
  await refused(/certificate authority key already exists/);
  expect((await ensureAuthority(user.deps, user.deps.authority, 'always')).replaced).toBe(true);
});

const withPassphrase = (key: string) =>
  createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' })
    .toString();

it.each<[string, string, (text: string) => string, RegExp, RegExp]>([
  [
    'a byte order mark',
    'ca.pem',
    (cert) => `\ufeff${cert}`,
    /ca\.pem \(it begins with a byte order mark/,
    /Save/,
  ],
  ['a byte order mark', 'ca-key.pem', (key) => `\ufeff${key}`, /ca-key\.pem \(it begins with a byte/, /Save/],
  ['a passphrase', 'ca-key.pem', withPassphrase, /ca-key\.pem \(it is protected by a pass/, /openssl/],
  ['nothing', 'ca.pem', () => '', /cannot be read: .*ca\.pem \(it is empty\)/, /backup/],
  ['nothing', 'ca-key.pem', () => ' \n', /ca-key\.pem \(it is empty\)/, /backup/],
  ['garbage', 'ca.pem', () => 'garbage', /ca\.pem \(it holds no certificate in PEM\)/, /backup/],
  ['garbage', 'ca-key.pem', () => 'garbage', /ca-key\.pem \(it holds no private key in PEM\)/, /backup/],
  ['blanks before it', 'ca.pem', (cert) => ` ${cert}`, /ca\.pem \(it holds no certificate in PEM/, /backup/],
])('refuses an authority with %s in %s before anything is touched, with the reason', async (...row) => {
  const [, file, change, message, hint] = row;
  await ensureAuthority(user.deps);
  const before = await readFile(join(user.root, 'certs', file), 'utf8');
  const changed = change(before);
  await user.write(file, changed);
  const asked = ensureAuthority(user.deps);
  await expect(asked).rejects.toMatchObject({ code: 'MM_CERTS_AUTHORITY' });
  await expect(asked).rejects.toMatchObject({ message: expect.stringMatching(message) });
  await expect(asked).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
  expect(await readFile(join(user.root, 'certs', file), 'utf8')).toBe(changed);
});

it.each(['ca.pem', 'cert.pem', 'key.pem'])(
  'refuses for a machine that is only a URL what docker would not take in %s',
  async (file) => {
    await ensureAuthority(user.deps);
    for (const text of ['', 'garbage', `\ufeff${await readFile(join(user.root, 'certs', file), 'utf8')}`]) {
      await user.write(file, text);
      const asked = clientCredentials(user.deps);
      await expect(asked).rejects.toMatchObject({ code: 'MM_CERTS_AUTHORITY' });
      await expect(asked).rejects.toThrow(join('certs', file));
    }
  },
);

it('takes what docker takes: a chain, Windows line ends, text around it', async () => {
  await ensureAuthority(user.deps);
  const [cert, key] = [await read('certs', 'ca.pem'), await read('certs', 'ca-key.pem')];
  await user.write(
    'ca.pem',
    `Subject: x\n${cert}${await read('certs', 'cert.pem')}`.replaceAll('\n', '\r\n'),
  );
  await user.write('ca-key.pem', `some words\n${key}`);
  await ensureAuthority(user.deps);
  expect((await clientCredentials(user.deps)).ca).toContain('Subject: x');
});

it('never replaces an authority that somebody else made, whether it is good or expired', async () => {
  const [cert, key] = [join(user.root, 'own.pem'), join(user.root, 'own-key.pem')];
  const subject = ['-subj', '/C=DE/O=Own/CN=Root', '-days', '100'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  const paths = { ...user.deps.authority, caCert: cert, caKey: key };
  const before = await readFile(cert, 'utf8');
  user.now = Date.now();
  const made = await ensureAuthority(user.deps, paths);
  expect(made.ca.cert).toBe(before);
  expect(isSignedBy(made.client.cert, before)).toBe(true);
  await expect(ensureAuthority(user.deps, paths, 'always')).rejects.toThrow(/was not made by mymachine/);
  user.now += 80 * day;
  expect((await ensureAuthority(user.deps, paths, 'due')).ca.cert).toBe(before);
  user.now += 30 * day;
  await expect(ensureAuthority(user.deps, paths)).rejects.toMatchObject({
    code: 'MM_CERTS_AUTHORITY',
    message: expect.stringMatching(/has expired \(on 20\d\d-\d\d-\d\d\), and it was not made by mymachine/),
    hint: expect.stringContaining(cert),
  });
  expect(await readFile(cert, 'utf8')).toBe(before);
});

it('names the other machines before an authority is replaced, and those that are left behind afterwards', async () => {
  for (const name of ['a', 'b', 'c']) await user.addMachine(name);
  await user.addMachine('url', 'none');
  expect(await foreseeReplacement(user.deps, ['a'], 'due')).toBeUndefined();
  expect(await foreseeReplacement(user.deps, ['a'], 'always')).toEqual({ others: ['b', 'c'] });
  expect(await foreseeReplacement(user.deps, ['a', 'b', 'c'], 'always')).toEqual({ others: [] });
  expect(await leftBehind(user.deps)).toEqual([]);
  await ensureAuthoritiesOf(user.deps, ['a'], 'always');
  expect(await leftBehind(user.deps)).toEqual(['a', 'b', 'c']);
  // The copy that is brought over is what counts, also when a run dies before it came to all.
  await writeFile(join(user.root, 'machines', 'b', 'ca.pem'), await read('certs', 'ca.pem'));
  expect(await leftBehind(user.deps)).toEqual(['a', 'c']);
  expect(await foreseeReplacement(user.deps, ['a'], 'always')).toEqual({ others: ['b'] });
});

it('renews the authority of a machine whose engine is not ours when that is wished, and tells whom it concerns', async () => {
  await user.addMachine('url', 'none');
  await user.addMachine('a');
  const old = await read('certs', 'ca.pem');
  await ensureAuthoritiesOf(user.deps, ['url']);
  await ensureAuthoritiesOf(user.deps, ['url'], 'due');
  expect(await read('certs', 'ca.pem')).toBe(old);
  expect(await foreseeReplacement(user.deps, ['url'], 'always')).toEqual({ others: ['a'] });
  await ensureAuthoritiesOf(user.deps, ['url'], 'always');
  expect(await read('certs', 'ca.pem')).not.toBe(old);
  await unlink(join(user.root, 'certs', 'cert.pem'));
  await ensureAuthoritiesOf(user.deps, ['url'], 'due');
  expect(isSignedBy(await read('certs', 'cert.pem'), await read('certs', 'ca.pem'))).toBe(true);
});

it('brings a renewed client certificate to every machine of the authority, and to no other', async () => {
  await user.addMachine('a');
  await user.addMachine('url', 'none');
  const foreign = await createAuthority({ organization: 'else', now: user.now });
  await user.addMachine('alien');
  await writeFile(join(user.root, 'machines', 'alien', 'ca.pem'), foreign.cert);
  const old = await read('machines', 'alien', 'cert.pem');
  await unlink(join(user.root, 'certs', 'cert.pem'));
  const { client } = await ensureAuthority(user.deps);
  await spreadClientCertificates(user.deps);
  for (const name of ['a', 'url']) {
    expect(await read('machines', name, 'cert.pem')).toBe(client.cert);
    expect(await read('machines', name, 'key.pem')).toBe(client.key);
  }
  expect(await read('machines', 'alien', 'cert.pem')).toBe(old);
});

it('is found where the machine was made with it, and in a store that was moved', async () => {
  await user.addMachine('a');
  const stored = await user.deps.store.load('a');
  expect(authorityPathsOf(user.deps, stored)).toEqual(user.deps.authority);
  const elsewhere = { ...user.deps, authority: user.authorityIn('/elsewhere') };
  expect(authorityPathsOf(elsewhere, stored)).toEqual(user.deps.authority);
  const options = { clock: user.deps.clock, report: user.deps.report, command: 'test' };
  const moved = new Store('/moved', options);
  expect(authorityPathsOf({ ...user.deps, store: moved }, stored)).toEqual(user.authorityIn('/moved/certs'));
});

it.each(['clientKey', 'clientCert', 'caKey', 'caCert'] as const)(
  'writes nothing where only a record says that %s is, which anybody may have written',
  async (kind) => {
    await ensureAuthority(user.deps);
    const precious = join(user.root, '..', `precious-${process.pid}-${kind}`);
    for (const content of ['precious', undefined]) {
      if (content !== undefined) await writeFile(precious, content);
      else await unlink(precious);
      const paths = {
        ...user.deps.authority,
        ...(kind.startsWith('ca') ? { caCert: `${precious}-no`, caKey: `${precious}-no` } : {}),
        ...(kind.startsWith('client') ? { clientCert: `${precious}-no`, clientKey: `${precious}-no` } : {}),
        [kind]: precious,
      };
      await expect(ensureAuthority(user.deps, paths, 'always')).rejects.toMatchObject({
        code: 'MM_CERTS_AUTHORITY',
      });
      expect(await readFile(precious, 'utf8').catch(() => undefined)).toBe(content);
    }
  },
);
