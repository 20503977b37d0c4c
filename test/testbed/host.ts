import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, RunOptions, RunResult } from '../../src/base/ports.ts';
import { waitFor } from '../../src/base/wait.ts';
import { machineFiles, type NspawnConfig } from '../../src/drivers/nspawn/config.ts';
import { clearContainer, containerLeader, unitName } from '../../src/drivers/nspawn/container/container.ts';
import { nspawnDriver } from '../../src/drivers/nspawn/driver.ts';
import { networkId } from '../../src/drivers/nspawn/network/leases.ts';
import { networkNames } from '../../src/drivers/nspawn/network/network.ts';
import type { DriverContext } from '../../src/sdk/context.ts';
import { readPublicKey } from '../../src/sdk/guest.ts';
import { openDriver } from './open-driver.ts';

/**
 * sudo: without a password. sudo-password: with TEST_PASSWORD. root: root itself. no-sudo: a user
 * who may nothing.
 */
export type HostLogin = 'sudo' | 'sudo-password' | 'root' | 'no-sudo';

export const TEST_PASSWORD = 'correct horse';

export interface TestHost {
  readonly name: string;
  readonly address: string;
  readonly user: string;
  /** Private key that logs the user in. */
  readonly keyPath: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** Runs a command on the host as root, past its network and sshd. */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
  /** The same, whose failure fails the test; gives stdout. */
  must(argv: Argv, options?: RunOptions): Promise<string>;
  /** Off the network and back on: this computer gets no answer, soon "no route to host". */
  cut(): Promise<void>;
  join(): Promise<void>;
  /** Swallows every packet without a word, and stops doing so. */
  mute(): Promise<void>;
  unmute(): Promise<void>;
  /** Pulls the plug. */
  kill(): Promise<void>;
  /** Powers off cleanly. */
  stop(): Promise<void>;
  /** Boots it again, with the same address and keys. */
  start(): Promise<void>;
}

/** The options of `create` that name a host and its login. */
export function genericOptions(host: Pick<TestHost, 'address' | 'user' | 'keyPath'>): readonly string[] {
  return [
    ...['--driver', 'generic', '--generic-ip-address', host.address],
    ...['--generic-ssh-user', host.user, '--generic-ssh-key', host.keyPath],
  ];
}

/**
 * Joins the control group of the container's init first, so that what is left running dies with the
 * host.
 */
const ENTER = `set -eu
group=$1 leader=$2
shift 2
echo 0 >"$group/cgroup.procs"
exec nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd -- \\
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
`;

async function groupOfProcess(pid: number): Promise<string> {
  const own = /^0::(.*)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/';
  const mounts = await readFile('/proc/mounts', 'utf8');
  const root = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? '/sys/fs/cgroup';
  return join(root, own);
}

export async function testHost(context: DriverContext<NspawnConfig>): Promise<TestHost> {
  const { machine, config, programs } = context;
  const run = async (argv: Argv, options?: RunOptions) => {
    const leader = await containerLeader(machine.id);
    if (leader === undefined) throw new Error(`The host ${machine.name} is off`);
    const group = await groupOfProcess(leader);
    return programs.run(['sh', '-c', ENTER, 'testbed', group, String(leader), ...argv], options);
  };
  const must = async (argv: Argv, options?: RunOptions) => {
    const result = await run(argv, options);
    if (result.exitCode === 0) return result.stdout;
    throw new Error(
      `${argv.join(' ')} on ${machine.name}: ${result.exitCode}\n${result.stderr}${result.stdout}`,
    );
  };
  const plug = async (...how: string[]) => {
    const netns = networkNames(networkId(context.storeDir)).netns;
    const port = `vb-${unitName(machine.id)}`;
    const result = await programs.run(['ip', '-netns', netns, 'link', 'set', port, ...how]);
    if (result.exitCode !== 0) throw new Error(`ip link set ${port}: ${result.stderr}`);
  };
  const start = async () => {
    await (await openDriver(nspawnDriver)).start(context);
    await settled(context, must);
  };
  await settled(context, must);
  return {
    name: machine.name,
    address: config.IPAddress,
    user: config.SSHUser,
    keyPath: config.SSHKeyPath,
    hostKey: await readPublicKey(machineFiles(machine.dir).hostKey),
    run,
    must,
    cut: () => plug('nomaster'),
    join: () => plug('master', 'br0'),
    mute: async () => void (await must(['iptables', '-I', 'INPUT', '-i', 'host0', '-j', 'DROP'])),
    unmute: async () => void (await must(['iptables', '-D', 'INPUT', '-i', 'host0', '-j', 'DROP'])),
    kill: () => clearContainer(context, machine.id),
    stop: async () => (await openDriver(nspawnDriver)).stop(context),
    start,
  };
}

/** sshd answers before the boot is over; a test that looks at units wants to find them settled. */
async function settled(
  context: DriverContext<NspawnConfig>,
  must: (argv: Argv) => Promise<string>,
): Promise<void> {
  const isSettled = async () =>
    /^(?:running|degraded)/.test(await must(['sh', '-c', 'systemctl is-system-running || :']))
      ? true
      : undefined;
  const wait = { clock: context.clock, timeoutMs: 60_000, intervalMs: 100 };
  if ((await waitFor(isSettled, wait)) === undefined)
    throw new Error(`${context.machine.name} does not finish its boot`);
}

export async function prepareLogin(host: TestHost, login: HostLogin): Promise<void> {
  const rule = '/etc/sudoers.d/90-mymachine';
  if (login === 'no-sudo') await host.must(['rm', rule]);
  if (login !== 'sudo-password') return;
  await host.must(['chpasswd'], { input: `${host.user}:${TEST_PASSWORD}\n` });
  await host.must(['sh', '-c', 'echo "$1 ALL=(ALL:ALL) ALL" >"$2"', 'testbed', host.user, rule]);
}
