import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { printable } from '../../base/printable.ts';
import type { BaseConfig, DriverContext } from '../context.ts';
import { type Driver, type HostDriver, type HostStatus, type SshLogin, traitOf } from '../driver.ts';
import { RecordReader } from '../record.ts';
import type { TestMachine } from './test-machine.ts';
import type { Trial } from './trial.ts';

const KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d{3}) AAAA[A-Za-z0-9+/=]+( [^\r\n]*)?$/;

export function checkLine(text: string, what: string): void {
  assert.equal(typeof text, 'string', `${what} is a text`);
  assert.notEqual(text, '', `${what} is not empty`);
  assert.equal(text, printable(text), `${what} is one line that can be printed`);
}

/** What the core knows of a host that runs. */
export async function checkRunning<C extends BaseConfig>(
  trial: Trial<C>,
  machine: TestMachine<C>,
): Promise<void> {
  assert.equal(await trial.stateIn(machine, 'Running'), 'Running', 'The state of the host');
  const { driver, host } = trial;
  const context = machine.context();
  const look = await trial.look(machine);
  const { config, storeDir, cacheDir } = context;
  driver.check?.(new RecordReader(config, { dir: context.machine.dir, storeDir, cacheDir }));
  checkTraits(driver, config);
  assert.match(look.address, /^[^\s[\]/]*$/, 'The address has no brackets and no port');
  if (driver.traits.provision) assert.notEqual(look.address, '', 'A host that runs has an address');
  checkLine(look.engineUrl, 'The URL of the engine');
  assert.ok(URL.canParse(look.engineUrl), `${look.engineUrl} is a URL`);
  if (driver.traits.ssh !== false) checkLogin(loginOf(driver, context, look));
  await checkHostKeys(driver, host, context);
}

function loginOf<C extends BaseConfig>(
  { traits }: Driver<C>,
  { config, machine }: DriverContext<C>,
  { login }: Required<HostStatus>,
): SshLogin {
  return typeof traits.ssh === 'function' ? traits.ssh(config, machine) : login;
}

function checkLogin({ host, port, user, keyPath }: SshLogin): void {
  checkLine(host, 'The host of the login');
  checkLine(user, 'The user of the login');
  checkPort(port, 'The port of the login', 1);
  assert.ok(keyPath === '' || isAbsolute(keyPath), `${keyPath} is the path of a key`);
}

function checkPort(port: number, what: string, least: number): void {
  assert.ok(Number.isInteger(port) && port >= least && port <= 65_535, `${what} is a port, not ${port}`);
}

function checkTraits<C extends BaseConfig>({ traits }: Driver<C>, config: Readonly<C>): void {
  checkPort(traitOf(traits.enginePort ?? 2376, config), 'The trait enginePort', 0);
  for (const name of traitOf(traits.sans ?? [], config)) checkLine(name, 'A name for the certificate');
  for (const path of traitOf(traits.images ?? [], config))
    assert.ok(path === '' || isAbsolute(path), `${path} is the path of an image`);
}

async function checkHostKeys<C extends BaseConfig>(
  { traits }: Driver<C>,
  host: HostDriver<C>,
  context: DriverContext<C>,
): Promise<void> {
  const trust = traitOf(traits.hostKey, context.config);
  assert.ok(['pinned', 'launch-data', 'first-use'].includes(trust), `${trust} is a way to know a host's key`);
  if (trust === 'first-use') return;
  assert.ok(host.hostKeys, `The driver tells the host's keys, since they are ${trust}`);
  const keys = await host.hostKeys(context);
  assert.ok(keys.length > 0, 'The host has a key');
  for (const key of keys) assert.match(key, KEY);
}
