import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildCertificate, createServerCertificate } from '../../../../src/certs/create.ts';
import { describeCertificate } from '../../../../src/certs/inspect.ts';
import { subjectNames } from '../../../../src/certs/names.ts';
import { ensureAuthority } from '../../../../src/machine/certs/authority.ts';
import { certificatesOf } from '../../../../src/machine/certs/expiry.ts';
import { keepServerCertificate, serverCertificate } from '../../../../src/machine/certs/machine-certs.ts';
import { Machine } from '../../../../src/machine/machine.ts';
import { day, UserStore } from '../user-store.ts';

// Keys are slow to make where many tests share a processor.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

/** A machine whose user wants these names in its certificate, and whose host has this address. */
async function wanting(sans: readonly string[], address: string): Promise<Machine> {
  const there = await user.deps.store.exists('h1');
  const machine = there ? await Machine.open(user.deps, 'h1') : await user.addMachine('h1');
  const { Driver, HostOptions } = machine.config;
  const AuthOptions = { ...HostOptions.AuthOptions, ServerCertSANs: [...sans] };
  await machine.saveConfig({
    Driver: { ...Driver, IPAddress: address },
    HostOptions: { ...HostOptions, AuthOptions },
  });
  return Machine.open(user.deps, 'h1');
}

it('keeps a certificate for names that can be written in several ways', async () => {
  const machine = await wanting(
    ['2001:DB8:0::1', 'müller.de', '::ffff:192.0.2.7', 'Name.Example.COM'],
    '192.0.2.1',
  );
  const authority = await ensureAuthority(user.deps);
  const first = await serverCertificate(machine, authority, false);
  await keepServerCertificate(machine, first);
  expect(await serverCertificate(machine, authority, false)).toEqual(first);
  const other = await wanting(['2001:DB8:0::2', 'müller.de'], '192.0.2.1');
  user.said.length = 0;
  const second = await serverCertificate(other, authority, false);
  expect(describeCertificate(second.cert).sans).toContain('2001:db8::2');
  expect(user.said).toEqual(['A new server certificate is needed: it does not name 2001:DB8:0::2']);
});

it('makes a certificate for an address of one link, without the zone that only this computer knows', async () => {
  const machine = await wanting([], 'fe80::1%eth0');
  const authority = await ensureAuthority(user.deps);
  const first = await serverCertificate(machine, authority, false);
  expect(describeCertificate(first.cert).sans).toEqual(['fe80::1', 'localhost']);
  await keepServerCertificate(machine, first);
  expect(await serverCertificate(machine, authority, false)).toEqual(first);
});

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const purposesOf = (pem: string) => new X509Certificate(pem).keyUsage;

/** As docker-machine made them for swarm masters. */
async function keepClientsCertificate(machine: Machine): Promise<string> {
  const { ca } = await ensureAuthority(user.deps);
  const key = createPrivateKey(ca.key);
  const pair = await createServerCertificate(ca, { organization: 'x', now: user.now, sans: ['192.0.2.1'] });
  const sans = subjectNames(['192.0.2.1', 'localhost']);
  const cert = await buildCertificate(
    {
      organization: 'ann.h1',
      publicKey: createPublicKey(pair.key).export({ type: 'spki', format: 'pem' }).toString(),
      notBefore: new Date(user.now),
      notAfter: new Date(user.now + 1000 * day),
    },
    { authority: false, keyUsage: ['digitalSignature'], extKeyUsage: ['serverAuth', 'clientAuth'], sans },
    { key, certDer: new X509Certificate(ca.cert).raw },
  );
  await keepServerCertificate(machine, { cert, key: pair.key });
  return cert;
}

it("makes no host's certificate a client's, whatever its record says of swarms", async () => {
  const machine = await wanting([], '192.0.2.1');
  const { HostOptions } = machine.config;
  const SwarmOptions = { ...HostOptions.SwarmOptions, IsSwarm: true, Master: true };
  await machine.saveConfig({ HostOptions: { ...HostOptions, SwarmOptions } });
  const made = await serverCertificate(machine, await ensureAuthority(user.deps), true);
  expect(purposesOf(made.cert)).toEqual([SERVER_AUTH]);
});

it("replaces a host's certificate that is also a client's, and tells of it before", async () => {
  const machine = await wanting([], '192.0.2.1');
  const authority = await ensureAuthority(user.deps);
  const stored = { name: 'h1', config: machine.config, meta: machine.meta };
  await keepServerCertificate(machine, await serverCertificate(machine, authority, false));
  expect((await certificatesOf(user.deps, stored)).hostIsClient).toBe(false);
  const old = await keepClientsCertificate(machine);
  expect((await certificatesOf(user.deps, stored)).hostIsClient).toBe(true);
  user.said.length = 0;
  const made = await serverCertificate(machine, authority, false);
  expect(made.cert).not.toBe(old);
  expect(purposesOf(made.cert)).toEqual([SERVER_AUTH]);
  expect(user.said).toEqual(["A new server certificate is needed: it is also a client's"]);
});
