import { rename } from 'node:fs/promises';
import { lastLines } from '../../base/printable.ts';
import { inspectDisk, resolveImage } from '../../images/resolve.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { imageContext, keepOrMakeKey, writeGuestSeed } from '../../sdk/guest.ts';
import { bootGuest } from './boot.ts';
import { machineFiles, type QemuConfig } from './config.ts';
import { qemuError } from './errors.ts';
import { macOf } from './process/argv.ts';
import { findGuest } from './process/process.ts';
import { choosePorts } from './process/spawn.ts';

type Context = DriverContext<QemuConfig>;

/** Makes the machine in steps, each of which can be cut off and run again. */
export async function createGuest(context: Context): Promise<void> {
  const { machine } = context;
  const files = machineFiles(machine.dir);
  await context.step('qemu.image', 'Getting the disk image...', async () => {
    const { Image: name, Arch: arch } = context.config;
    const { path } = await resolveImage(imageContext(context), { name, arch, engine: true });
    return { BaseImage: path };
  });
  await context.step('qemu.key', 'Creating SSH key...', async () => {
    await keepOrMakeKey(files.key, `mymachine ${machine.name}`);
    return { SSHKeyPath: files.key };
  });
  await context.step('qemu.hostkey', "Creating the machine's host key...", () =>
    keepOrMakeKey(files.hostKey, machine.name),
  );
  await context.step('qemu.disk', 'Creating the disk...', () => makeOverlay(context));
  await context.step('qemu.seed', "Writing what the guest's cloud-init reads...", () => {
    const primary = { match: { macaddress: macOf(machine.id) }, dhcp4: true };
    const network = { version: 2, ethernets: { primary } };
    return writeGuestSeed(context, { files, network, userData: context.config.UserData });
  });
  await context.step('qemu.ports', 'Choosing local ports...', async () => {
    // Cut off after QEMU had started: the guest has its ports.
    const running = await findGuest(context.programs, machine.id, files.pid);
    return running === undefined ? choosePorts(context.config) : undefined;
  });
  await context.step('qemu.boot', 'Starting the machine, and waiting for its SSH port...', () =>
    bootGuest(context),
  );
}

/** What the guest changes goes into the machine's own file, which only grows with it. */
async function makeOverlay(context: Context): Promise<void> {
  const { machine, config, programs, signal } = context;
  const files = machineFiles(machine.dir);
  const base = await inspectDisk(config.BaseImage);
  const wished = config.DiskSize * 1024 * 1024;
  const draft = `${files.disk}.new`;
  const size = String(Math.max(wished, base.virtualSize));
  const backing = ['-F', base.format, '-b', base.path];
  const argv = ['qemu-img', 'create', '-q', '-f', 'qcow2', ...backing, draft, size] as const;
  const result = await programs.run(argv, { signal });
  if (result.exitCode !== 0) {
    throw qemuError('MM_QEMU_DISK', {
      message: `The disk of "${machine.name}" could not be made: ${lastLines(result.stderr, 1, 300)}`,
      hint: 'See that the disk of the store has room (df), then run "mymachine create --resume".',
    });
  }
  await rename(draft, files.disk);
}
