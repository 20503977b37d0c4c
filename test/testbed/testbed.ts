import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../src/base/ports.ts';
import { fateOf, identify, type ProcessIdentity } from '../../src/base/process-identity.ts';
import { clearContainer } from '../../src/drivers/nspawn/container/container.ts';
import { nspawnDriver } from '../../src/drivers/nspawn/driver.ts';
import { readNetworkRecord, releaseAddress } from '../../src/drivers/nspawn/network/leases.ts';
import { driverContext, testLocks } from './driver-context.ts';
import { type HostLogin, prepareLogin, type TestHost, testHost } from './host.ts';
import { testPorts } from './ports.ts';

/** Root file systems and downloads, shared by all test runs on this computer. */
export const testCacheDir = '/var/tmp/mymachine-cache';
/**
 * Where testbeds lie, what their folders' names begin with,
 * and the file in each that names the process it is of.
 */
export const TESTBED_HOME = '/var/tmp';
export const TESTBED_PREFIX = 'mymachine-testbed-';
export const TESTBED_OWNER = 'owner.json';

export interface TestbedOptions {
  /** bookworm has engine 20.10, trixie 26.1, sid 28.5. */
  readonly suite: 'bookworm' | 'trixie' | 'sid';
  /** Whether the hosts have the suite's engine before we come. */
  readonly engine: boolean;
  readonly names: readonly string[];
  /** How one may log in to them; default 'sudo'. */
  readonly login?: HostLogin;
  /** Further packages of the distribution. */
  readonly packages?: readonly string[];
}

export interface Testbed {
  readonly hosts: readonly TestHost[];
  /** Fails for a name that is not among them. */
  host(name: string): TestHost;
  /** Removes the hosts and their network; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Real hosts for a test to adopt and break: systemd containers that know nothing of
 * mymachine, on a network of their own, so that suites run side by side. Needs root
 * on Linux. Close it in afterAll; what a killed run leaves is swept by the next one.
 */
export async function startHosts(options: TestbedOptions): Promise<Testbed> {
  const ports = testPorts();
  await sweepTestbeds(ports, 'dead');
  const storeDir = await testbedFolder();
  const close = () => removeTestbed(ports, storeDir);
  try {
    const login = options.login ?? 'sudo';
    const hosts = await Promise.all(
      options.names.map(async (name) => {
        const context = await driverContext(nspawnDriver, {
          ports,
          storeDir,
          cacheDir: testCacheDir,
          name,
          flags: {
            'nspawn-image': options.suite,
            'nspawn-engine': options.engine,
            'nspawn-packages': options.packages ?? [],
            'nspawn-ssh-user': login === 'root' ? 'root' : 'debian',
          },
        });
        await (await nspawnDriver.load()).create(context);
        const host = await testHost(context);
        await prepareLogin(host, login);
        return host;
      }),
    );
    const host = (name: string) => {
      const found = hosts.find((each) => each.name === name);
      if (found === undefined) throw new Error(`The testbed has no host ${name}`);
      return found;
    };
    return { hosts, host, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A folder for hosts of this process, which a later run removes with them when this one is killed.
 */
export async function testbedFolder(): Promise<string> {
  const folder = await mkdtemp(join(TESTBED_HOME, TESTBED_PREFIX));
  await writeFile(join(folder, TESTBED_OWNER), JSON.stringify(await identify(process.pid)));
  return folder;
}

/** Removes a testbed by what it left on disk alone. */
export async function removeTestbed(ports: Ports, storeDir: string): Promise<void> {
  const ids = Object.keys((await readNetworkRecord(storeDir))?.leases ?? {});
  await Promise.all(ids.map((id) => clearContainer(ports, id)));
  const context = { ...ports, storeDir, withLock: testLocks(storeDir, testCacheDir) };
  for (const id of ids) await releaseAddress(context, id);
  await rm(storeDir, { recursive: true, force: true });
}

/** Removes the testbeds of runs that are dead, or all there are. */
export async function sweepTestbeds(ports: Ports, which: 'dead' | 'all'): Promise<void> {
  for (const entry of (await readdir(TESTBED_HOME)).filter((name) => name.startsWith(TESTBED_PREFIX))) {
    const storeDir = join(TESTBED_HOME, entry);
    const text = await readFile(join(storeDir, TESTBED_OWNER), 'utf8').catch(() => '');
    // One without an owner is being made at this moment, or nothing is in it yet.
    const owner = text === '' ? undefined : (JSON.parse(text) as ProcessIdentity);
    const isDead = owner !== undefined && (await fateOf(owner)) === 'dead';
    // Another run may sweep it at the same time; what stays behind is the next one's.
    if (which === 'all' || isDead) await removeTestbed(ports, storeDir).catch(() => undefined);
  }
}
