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

it('takes what docker takes: a chain, Windows line ends, blanks behind them, text around it', async () => {
  await ensureAuthority(user.deps);
  const [cert, key] = [await read('certs', 'ca.pem'), await read('certs', 'ca-key.pem')];
  await user.write(
    'ca.pem',
    `Subject: x\n${cert}${await read('certs', 'cert.pem')}`.replaceAll('\n', '\r\n'),
  );
  await user.write('ca-key.pem', `some words\n${key.replaceAll('\n', ' \t\n')}`);
  await ensureAuthority(user.deps);
  expect((await clientCredentials(user.deps)).ca).toContain('Subject: x');
});

/** Has openssl make an own authority, or what looks like one. */
async function ownAuthority(...options: readonly string[]) {
  const [cert, key, config] = ['own.pem', 'own-key.pem', 'none.cnf'].map((file) => join(user.root, file));
  await writeFile(config ?? '', '[req]\ndistinguished_name=dn\n[dn]\n');
  const subject = ['-subj', '/C=DE/O=Own/CN=Root', '-days', '100', '-config', config ?? ''];
  const files = ['-keyout', key ?? '', '-out', cert ?? ''];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...subject, ...files, ...options], { stdio: 'ignore' });
  user.now = Date.now();
  return { ...user.deps.authority, caCert: cert ?? '', caKey: key ?? '' };
}

const CA = ['-addext', 'basicConstraints=critical,CA:TRUE'];
const RSA = ['-newkey', 'rsa:2048'];
const curve = (name: string) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`];

it.each<[string, readonly string[], RegExp]>([
  ['is none', [...RSA, '-addext', 'basicConstraints=critical,CA:FALSE'], /it is no authority's/],
  ['does not say that it is one', [...RSA, '-addext', 'subjectKeyIdentifier=hash'], /it is no authority's/],
  ['may not sign', [...RSA, ...CA, '-addext', 'keyUsage=digitalSignature'], /it is no authority's/],
  ['is for servers alone', [...RSA, ...CA, '-addext', 'extendedKeyUsage=serverAuth'], /not for clients/],
  ['has a curve that Go does not know', [...curve('secp256k1'), ...CA], /curve secp256k1/],
  ['has a short key', ['-newkey', 'rsa:512', ...CA], /512 bits/],
  [
    'has a critical extension',
    [...RSA, ...CA, '-addext', '1.2.3.4=critical,ASN1:UTF8String:x'],
    /1\.2\.3\.4/,
  ],
])('refuses an own authority that %s before anything is touched', async (_, options, words) => {
  const paths = await ownAuthority(...options);
  await expect(ensureAuthority(user.deps, paths)).rejects.toMatchObject({
    code: 'MM_CERTS_AUTHORITY',
    message: expect.stringMatching(words),
  });
  expect(await readdir(user.root)).not.toContain('certs');
});

it('refuses an own authority that is not valid yet', async () => {
  const paths = await ownAuthority(...RSA, ...CA);
  user.now -= 2 * day;
  await expect(ensureAuthority(user.deps, paths)).rejects.toThrow(/is not valid before 20\d\d/);
});

it.each<[string, readonly string[]]>([
  ['P-256', curve('P-256')],
  ['P-521', curve('P-521')],
  ['Ed25519', ['-newkey', 'ed25519']],
  ['1024 bits', ['-newkey', 'rsa:1024']],
  ['SHA-1', [...RSA, '-sha1']],
  ['limits', [...RSA, '-addext', 'nameConstraints=permitted;DNS:example', '-addext', 'keyUsage=keyCertSign']],
])('takes an own authority of %s, as Docker does', async (_, options) => {
  const paths = await ownAuthority(...options, ...CA);
  const { ca, client } = await ensureAuthority(user.deps, paths);
  expect(isSignedBy(client.cert, ca.cert)).toBe(true);
});

/** A client certificate that openssl signed with an own authority. */
async function ownClient(options: readonly string[], issuer = 'own'): Promise<string> {
  const file = (name: string) => join(user.root, name);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-new',
    ...RSA,
    '-nodes',
    '-subj',
    '/CN=ann',
    '-keyout',
    file('c-key.pem'),
    '-out',
    file('c.csr'),
  );
  const signer = ['-CA', file(`${issuer}.pem`), '-CAkey', file(`${issuer}-key.pem`), '-CAcreateserial'];
  openssl('x509', '-req', '-in', file('c.csr'), ...signer, '-days', '50', '-out', file('c.pem'), ...options);
  return file('c.pem');
}

it.each<[string, string, readonly string[], RegExp | undefined]>([
  ['for servers alone', 'extendedKeyUsage=serverAuth', [], /none of a client/],
  ['with SHA-1', 'extendedKeyUsage=clientAuth', ['-sha1'], /SHA-1/],
  ['for both', 'extendedKeyUsage=serverAuth,clientAuth', [], undefined],
  ['without a purpose', 'keyUsage=digitalSignature', [], undefined],
])('takes a client certificate of somebody else as Docker does: %s', async (_, extension, options, words) => {
  const paths = await ownAuthority(...RSA, ...CA);
  await writeFile(join(user.root, 'c.ext'), extension);
  const clientCert = await ownClient(['-extfile', join(user.root, 'c.ext'), ...options]);
  const asked = ensureAuthority(user.deps, { ...paths, clientCert, clientKey: join(user.root, 'c-key.pem') });
  if (words === undefined) expect((await asked).client.cert).toBe(await readFile(clientCert, 'utf8'));
  else await expect(asked).rejects.toThrow(words);
});

it('takes a client certificate whose file has the authority between', async () => {
  const paths = await ownAuthority(...RSA, ...CA);
  await writeFile(join(user.root, 'c.ext'), 'basicConstraints=critical,CA:TRUE');
  const middle = await readFile(await ownClient(['-extfile', join(user.root, 'c.ext')]), 'utf8');
  await writeFile(join(user.root, 'middle.pem'), middle);
  await writeFile(join(user.root, 'middle-key.pem'), await readFile(join(user.root, 'c-key.pem')));
  const clientCert = await ownClient([], 'middle');
  const own = { ...paths, clientCert, clientKey: join(user.root, 'c-key.pem') };
  await expect(ensureAuthority(user.deps, own)).rejects.toThrow(/is not signed by the authority/);
  await writeFile(clientCert, `${await readFile(clientCert, 'utf8')}${middle}`);
  expect((await ensureAuthority(user.deps, own)).client.cert).toContain(middle);
});

it('hands on no key that stands beside a certificate in its file', async () => {
  const paths = await ownAuthority(...RSA, ...CA);
  const [cert, key] = [await readFile(paths.caCert, 'utf8'), await readFile(paths.caKey, 'utf8')];
  await writeFile(paths.caCert, `${key}${cert}`);
  expect((await ensureAuthority(user.deps, paths)).ca).toEqual({ cert, key });
});

it.each([
  ['clientKey', 'of somebody'],
  ['clientCert', 'garbage'],
  ['clientCert', ''],
  ['clientKey', ''],
] as const)('writes over no file that an option names: %s with %j', async (kind, text) => {
  const path = join(user.root, 'precious');
  await writeFile(path, text);
  const beside = join(user.root, 'beside');
  const authority = { ...user.deps.authority, clientKey: beside, clientCert: beside, [kind]: path };
  const deps = { ...user.deps, authority };
  await expect(ensureAuthority(deps, authority)).rejects.toMatchObject({ code: 'MM_CERTS_AUTHORITY' });
  expect(await readFile(path, 'utf8')).toBe(text);
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
