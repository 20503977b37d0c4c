import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildCertificate,
  createAuthority,
  createClientCertificate,
  createServerCertificate,
  type KeyPair,
} from '../../../src/certs/create.ts';
import { daysLeft, describeCertificate, isSignedBy, matchesKey } from '../../../src/certs/inspect.ts';
import { subjectNames } from '../../../src/certs/names.ts';

const now = Date.UTC(2026, 10, 20, 10, 17, 42, 123);
const day = 86_400_000;
const request = { organization: 'ann', now };
const openssl = spawnSync('openssl', ['version']).status === 0;

let ca: KeyPair;
let client: KeyPair;
let server: KeyPair;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mymachine-certs-'));
  ca = await createAuthority(request);
  client = await createClientCertificate(ca, { ...request, organization: 'ann.<bootstrap>' });
  server = await createServerCertificate(ca, {
    ...request,
    organization: 'ann.host1',
    sans: ['host1.example.com', '192.0.2.10', '2001:DB8::0:1', 'localhost', 'LOCALHOST', '*.example.com'],
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('certificates', () => {
  it('have PKCS#1 RSA 2048 keys that belong to them', () => {
    for (const pair of [ca, client, server]) {
      expect(pair.key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
      expect(createPrivateKey(pair.key).asymmetricKeyDetails?.modulusLength).toBe(2048);
      expect(matchesKey(pair.cert, pair.key)).toBe(true);
    }
    expect(matchesKey(ca.cert, client.key)).toBe(false);
  });

  it('start five minutes earlier, cut to the minute, and last 1080 days', () => {
    const facts = describeCertificate(server.cert);
    expect(new Date(facts.notBefore).toISOString()).toBe('2026-11-20T10:12:00.000Z');
    expect(facts.notAfter - facts.notBefore).toBe(1080 * day);
    expect(daysLeft(server.cert, now)).toBe(1079);
    expect(daysLeft(server.cert, facts.notAfter - 1)).toBe(0);
    expect(daysLeft(server.cert, facts.notAfter + 1)).toBe(-1);
  });

  it('have a positive 128-bit serial number of their own', () => {
    const serials = [ca, client, server].map((pair) => describeCertificate(pair.cert).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('hold only an organization, written byte for byte alike in subject and issuer', () => {
    const cert = new X509Certificate(client.cert);
    expect(cert.subject).toBe('O=ann.\\<bootstrap\\>');
    expect(cert.issuer).toBe('O=ann');
    expect(describeCertificate(client.cert)).toMatchObject({
      organization: 'ann.<bootstrap>',
      issuerOrganization: 'ann',
    });
  });

  it('name the addresses and names they serve, each once', () => {
    expect(describeCertificate(server.cert).sans).toEqual([
      'host1.example.com',
      '192.0.2.10',
      '2001:db8::1',
      'localhost',
      '*.example.com',
    ]);
    const cert = new X509Certificate(server.cert);
    expect(cert.checkIP('192.0.2.10')).toBe('192.0.2.10');
    expect(cert.checkIP('2001:db8::1')).toBe('2001:db8::1');
    expect(cert.checkIP('192.0.2.11')).toBeUndefined();
    expect(cert.checkHost('host1.example.com')).toBe('host1.example.com');
  });

  it('chain to their authority and to no other with the same name', async () => {
    const other = await createAuthority(request);
    expect(isSignedBy(server.cert, ca.cert)).toBe(true);
    expect(isSignedBy(client.cert, ca.cert)).toBe(true);
    expect(isSignedBy(ca.cert, ca.cert)).toBe(true);
    expect(isSignedBy(server.cert, other.cert)).toBe(false);
    expect(isSignedBy(server.cert, client.cert)).toBe(false);
  });

  it('are signed by an EC or Ed25519 authority that the user brings', async () => {
    const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
    const privateKeyEncoding = { type: 'pkcs8', format: 'pem' } as const;
    const kinds = [
      generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding, privateKeyEncoding }).privateKey,
      generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding }).privateKey,
    ];
    for (const text of kinds) {
      const key = createPrivateKey(text);
      const carrier = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding,
        privateKeyEncoding,
      });
      // The carrier's subject only lends its name: what
      // matters is that this signer's kind of key works.
      const cert = await buildCertificate(
        {
          organization: 'x',
          publicKey: carrier.publicKey,
          notBefore: new Date(now),
          notAfter: new Date(now + day),
        },
        { authority: false, keyUsage: ['digitalSignature'], extKeyUsage: ['clientAuth'], sans: [] },
        { key, certDer: undefined },
      );
      expect(new X509Certificate(cert).verify(createPublicKey(key))).toBe(true);
    }
  });

  it('keep the authority name whatever its encoding', async () => {
    const odd = await createAuthority({ organization: 'Zoë <&> ünïcode', now });
    const leaf = await createClientCertificate(odd, request);
    expect(isSignedBy(leaf.cert, odd.cert)).toBe(true);
    expect(describeCertificate(leaf.cert).issuerOrganization).toBe('Zoë <&> ünïcode');
  });

  it('refuse an authority whose key is not its own, is locked, or is no key', async () => {
    await expect(createClientCertificate({ cert: ca.cert, key: client.key }, request)).rejects.toMatchObject({
      code: 'MM_CERTS_KEY',
    });
    await expect(createClientCertificate({ cert: ca.cert, key: 'nothing' }, request)).rejects.toMatchObject({
      code: 'MM_CERTS_KEY',
    });
    await expect(createClientCertificate({ cert: 'nothing', key: ca.key }, request)).rejects.toMatchObject({
      code: 'MM_CERTS_READ',
    });
    const locked = createPrivateKey(ca.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    await expect(createClientCertificate({ cert: ca.cert, key: locked }, request)).rejects.toThrow(
      /passphrase/,
    );
  });

  it('bound and clean the organization', async () => {
    const long = await createAuthority({ organization: `\u001b[31m${'é'.repeat(100)}`, now });
    expect(describeCertificate(long.cert).organization).toBe('é'.repeat(64));
    const empty = await createAuthority({ organization: ' \n', now });
    expect(describeCertificate(empty.cert).organization).toBe('unknown');
  });

  // Node carries OpenSSL itself; the program gives a second opinion where it is installed.
  if (openssl) {
    it('satisfy the openssl program for their purposes, and for no other', () => {
      const caFile = file('ca.pem', ca.cert);
      const verify = (cert: string, purpose: string) =>
        spawnSync('openssl', [
          'verify',
          '-x509_strict',
          '-attime',
          String(Math.floor(now / 1000)),
          '-purpose',
          purpose,
          '-CAfile',
          caFile,
          file('leaf.pem', cert),
        ]).status;
      expect(verify(server.cert, 'sslserver')).toBe(0);
      expect(verify(client.cert, 'sslclient')).toBe(0);
      expect(verify(server.cert, 'sslclient')).not.toBe(0);
      expect(verify(client.cert, 'sslserver')).not.toBe(0);
    });

    it('chain to an EC authority that the user brings', async () => {
      const [caFile, keyFile] = [join(dir, 'ec.pem'), join(dir, 'ec-key.pem')];
      const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /C=DE/O=Own/CN=Root';
      execFileSync('openssl', [...make.split(' '), '-keyout', keyFile, '-out', caFile], { stdio: 'ignore' });
      const own = { cert: readFileSync(caFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
      const leaf = await createClientCertificate(own, { organization: 'ann', now: Date.now() });
      expect(isSignedBy(leaf.cert, own.cert)).toBe(true);
      const args = ['verify', '-purpose', 'sslclient', '-CAfile', caFile];
      expect(spawnSync('openssl', [...args, file('leaf.pem', leaf.cert)]).status).toBe(0);
    });

    // docker-machine's table, a row for each kind: `openssl x509 -text` is the second reader.
    it('have field by field what docker-machine gives them', { timeout: 60_000 }, async () => {
      const signing = 'Digital Signature, Key Encipherment, Key Agreement';
      const rows = [
        { pair: ca, o: 'ann', authority: 'TRUE', usage: `${signing}, Certificate Sign`, extended: undefined },
        {
          pair: client,
          o: 'ann.<bootstrap>',
          authority: 'FALSE',
          usage: 'Digital Signature',
          extended: 'TLS Web Client Authentication',
        },
        {
          pair: server,
          o: 'ann.host1',
          authority: 'FALSE',
          usage: signing,
          extended: 'TLS Web Server Authentication',
          sans: 'DNS:host1.example.com, IP Address:192.0.2.10, IP Address:2001:DB8:0:0:0:0:0:1, DNS:localhost, DNS:*.example.com',
        },
      ];
      for (const { pair, o, authority, usage, extended, sans } of rows) {
        const args = ['x509', '-noout', '-text', '-in', file('x.pem', pair.cert)];
        const text = execFileSync('openssl', args, { encoding: 'utf8' });
        const extension = (name: string) =>
          new RegExp(`X509v3 ${name}:( critical)? *\\n +(.*?) *\\n`).exec(text)?.slice(1);
        expect(text).toContain('Version: 3 (0x2)');
        expect(text.match(/Signature Algorithm: (\S+)/g)).toEqual(
          Array(2).fill('Signature Algorithm: sha256WithRSAEncryption'),
        );
        expect(text).toMatch(/Public-Key: \(2048 bit\)/);
        expect(text).toMatch(/Exponent: 65537 /);
        expect(text).toMatch(/Issuer: O ?= ?ann\n/);
        expect(text).toMatch(new RegExp(`Subject: O ?= ?"?${o}"?\\n`));
        expect(text).toMatch(
          /Not Before: Nov 20 10:12:00 2026 GMT\n\s+Not After : Nov {2}4 10:12:00 2029 GMT\n/,
        );
        expect(extension('Basic Constraints')).toEqual([' critical', `CA:${authority}`]);
        expect(extension('Key Usage')).toEqual([' critical', usage]);
        expect(extension('Extended Key Usage')?.[1]).toBe(extended);
        expect(extension('Subject Alternative Name')?.[1]).toBe(sans);
        const cert = new X509Certificate(pair.cert);
        expect(cert.ca).toBe(authority === 'TRUE');
        expect(BigInt(`0x${cert.serialNumber}`)).toBeGreaterThan(0n);
        expect(BigInt(`0x${cert.serialNumber}`)).toBeLessThan(1n << 128n);
        expect(Date.parse(cert.validTo)).toBe(Date.UTC(2026, 10, 20, 10, 12) + 1080 * day);
        const oids = {
          'TLS Web Server Authentication': '1.3.6.1.5.5.7.3.1',
          'TLS Web Client Authentication': '1.3.6.1.5.5.7.3.2',
        };
        const wanted = extended?.split(', ').map((name) => oids[name as keyof typeof oids]);
        expect(cert.keyUsage).toEqual(wanted);
      }
    });
  }
});

describe('subject names', () => {
  it('are refused when they are neither a name nor an address', () => {
    const bad = ['', ' ', 'a b', 'a,b', '-a', 'a..b', '256.1.1.1', '1.2.3', 'a%eth0', '[::1]', 'a\nb'];
    for (const text of [...bad, '*', '*.com', 'a.*.b', `${'x'.repeat(64)}.de`, 'x.'.repeat(127) + 'yy']) {
      expect(() => subjectNames([text]), text).toThrow(expect.objectContaining({ code: 'MM_CERTS_NAME' }));
    }
  });

  it('write mapped addresses as IPv4 and foreign names in punycode', () => {
    expect(subjectNames(['::ffff:192.0.2.1', 'bücher.example']).map((name) => name.text)).toEqual([
      '192.0.2.1',
      'xn--bcher-kva.example',
    ]);
  });

  it('come back from the certificate as they went in', { timeout: 60_000 }, async () => {
    const key = createPrivateKey(ca.key);
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    const label = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,20}[a-z]$/);
    const dns = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const names = fc.array(fc.oneof(dns, fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(names, async (texts) => {
        const sans = subjectNames(texts);
        const cert = await buildCertificate(
          { organization: 'x', publicKey, notBefore: new Date(now), notAfter: new Date(now + day) },
          { authority: false, keyUsage: ['digitalSignature'], extKeyUsage: ['serverAuth'], sans },
          { key, certDer: new X509Certificate(ca.cert).raw },
        );
        expect(describeCertificate(cert).sans).toEqual(sans.map((san) => san.text));
        const read = new X509Certificate(cert);
        for (const san of sans) {
          if (san.kind === 'ip') expect(read.checkIP(san.text), san.text).toBeDefined();
          // OpenSSL takes no host pattern with an underscore in it.
          else if (!san.text.includes('_')) expect(read.checkHost(san.text), san.text).toBeDefined();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never break the reader, whatever text is given', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          expect(subjectNames([text])[0]?.text).toMatch(/^[\x21-\x7e]+$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MM_CERTS_NAME' });
        }
      }),
    );
  });
});
