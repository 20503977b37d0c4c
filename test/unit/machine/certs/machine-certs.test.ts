import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { describeCertificate } from '../../../../src/certs/inspect.ts';
import { ensureAuthority } from '../../../../src/machine/certs/authority.ts';
import { keepServerCertificate, serverCertificate } from '../../../../src/machine/certs/machine-certs.ts';
import { Machine } from '../../../../src/machine/machine.ts';
import { UserStore } from '../user-store.ts';

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
