import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { machineFiles, type NspawnConfig } from '../../src/drivers/nspawn/config.ts';
import { nspawnDriver } from '../../src/drivers/nspawn/driver.ts';
import { leaseAddress, releaseAddress } from '../../src/drivers/nspawn/network/leases.ts';
import { networkFile } from '../../src/drivers/nspawn/root/guest-files.ts';
import type { DriverContext } from '../../src/sdk/context.ts';
import { driverContext } from './driver-context.ts';
import { openDriver } from './open-driver.ts';
import { testPorts } from './ports.ts';
import { testCacheDir } from './testbed.ts';

/**
 * What an instance's cloud-init finds: its data source's
 * metadata, and the user data as it was handed to RunInstances.
 */
export interface Launch {
  readonly instanceId: string;
  /** As in authorized_keys; undefined without a key pair. */
  readonly publicKey: string | undefined;
  readonly userData: Buffer;
  /** What the image has besides, by path: programs and configuration. */
  readonly files?: Readonly<Record<string, { readonly content: string; readonly mode: number }>>;
}

/**
 * A cloud's real host: a systemd container whose
 * cloud-init does with the user data what it does there.
 */
export interface InstanceHost {
  readonly address: () => string;
  /** Resolves when it has booted. */
  readonly boot: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Before it is booted again. */
  readonly moveToNewAddress: () => Promise<void>;
  readonly reboot: () => Promise<void>;
  readonly terminate: () => Promise<void>;
}

/** Holds the network while no instance does. */
export const ANCHOR = 'anchor';

/** As in Debian's images for EC2. */
const CLOUD_CONFIG = `datasource_list: [ NoCloud, None ]
network: {config: disabled}
locale: false
apt: {preserve_sources_list: true}
system_info:
  default_user: {name: admin}
`;

/**
 * Everything of its own that a host of the testbed would
 * have, but for its address: the rest is cloud-init's to do.
 */
async function writeSeed(folder: string, launch: Launch): Promise<void> {
  const upper = join(folder, 'upper');
  for (const file of await readdir(join(upper, 'etc/ssh'))) await rm(join(upper, 'etc/ssh', file));
  await rm(join(upper, 'root/.ssh'), { recursive: true, force: true });
  const metaData = {
    'instance-id': launch.instanceId,
    'local-hostname': `ip-${launch.instanceId}`,
    ...(launch.publicKey === undefined ? {} : { 'public-keys': [launch.publicKey] }),
  };
  const files: Record<string, string | Buffer> = {
    'etc/cloud/cloud.cfg.d/99_testbed.cfg': CLOUD_CONFIG,
    'var/lib/cloud/seed/nocloud/meta-data': `${JSON.stringify(metaData)}\n`,
    'var/lib/cloud/seed/nocloud/user-data': launch.userData,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(upper, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(upper, path), content, { mode: 0o600 });
  }
  await chmod(join(upper, 'etc/cloud/cloud.cfg.d/99_testbed.cfg'), 0o644);
  for (const [path, { content, mode }] of Object.entries(launch.files ?? {})) {
    await mkdir(dirname(join(upper, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(upper, path), content);
    await chmod(join(upper, path), mode);
  }
}

export async function prepareHost(storeDir: string, launch: Launch): Promise<InstanceHost> {
  const ports = testPorts();
  const ids = { context: undefined as DriverContext<NspawnConfig> | undefined };
  const nspawn = await openDriver(nspawnDriver);
  const context = await driverContext(nspawnDriver, {
    ports,
    storeDir,
    cacheDir: testCacheDir,
    name: launch.instanceId,
    flags: {
      'nspawn-image': 'bookworm',
      'nspawn-engine': true,
      'nspawn-packages': ['cloud-init'],
      'nspawn-ssh-user': 'root',
    },
    onStep: async (moment, step) => {
      if (moment === 'before' && step === 'nspawn.boot' && ids.context !== undefined)
        await writeSeed(machineFiles(ids.context.machine.dir).layers, launch);
    },
  });
  ids.context = context;
  const { machine } = context;
  // EC2 tells an instance's private address at once.
  await leaseAddress(context, ANCHOR, '');
  const lease = await leaseAddress(context, machine.id, '');
  await context.save({ IPAddress: lease.address });
  let isMade = false;
  // One thing after the other: what is terminated while
  // it boots must not be booted again afterwards.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<unknown>) => async () => {
    const before = last;
    const mine = before.catch(() => undefined).then(work);
    last = mine;
    await mine;
  };
  return {
    address: () => context.config.IPAddress,
    boot: inTurn(async () => {
      await (isMade ? nspawn.start(context) : nspawn.create(context));
      isMade = true;
    }),
    stop: inTurn(async () => nspawn.stop(context)),
    moveToNewAddress: inTurn(async () => {
      const next = await leaseAddress(context, `${machine.id}-next`, '');
      await releaseAddress(context, machine.id);
      await releaseAddress(context, `${machine.id}-next`);
      await leaseAddress(context, machine.id, next.address);
      await context.save({ IPAddress: next.address });
      const file = join(machineFiles(machine.dir).layers, 'upper/etc/systemd/network/10-mymachine.network');
      await writeFile(file, networkFile(next.address, next.gateway));
    }),
    reboot: inTurn(async () => nspawn.restart(context)),
    terminate: inTurn(async () => {
      await nspawn.remove(context);
      await rm(machine.dir, { recursive: true, force: true });
    }),
  };
}
