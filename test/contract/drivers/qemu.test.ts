import { access, constants, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { localPrograms } from '../../../src/cli/computer/programs.ts';
import { qemuDriver } from '../../../src/drivers/qemu/driver.ts';
import { driverContract } from '../../../src/sdk/testing/index.ts';

// The driver over a QEMU that boots nothing: its command
// line, ports, pid file and QMP are the real one's.

const folder = await mkdtemp(join(tmpdir(), 'mm-qemu-contract-'));
afterAll(() => rm(folder, { recursive: true }));
const image = join(folder, 'base.qcow2');
await writeFile(image, Buffer.concat([Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'), Buffer.alloc(600)]));
const fakes = join(import.meta.dirname, '../../fixtures/qemu');

/** Processes with the store in their command line. */
async function holdings(storeDir: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => lines[index]?.includes(storeDir)).map((pid) => `process ${pid}`);
}

const bed = {
  flags: { 'qemu-image': image, 'qemu-arch': 'x86_64', 'qemu-accel': 'tcg', 'qemu-memory': 256 },
  ports: { programs: localPrograms({ ...process.env, PATH: `${fakes}:${process.env['PATH']}` }) },
  holdings,
};
const flags = { ...bed.flags, 'qemu-accel': 'kvm' };
const probing = (await driverContract(qemuDriver, { ...bed, flags })).filter(({ name }) =>
  name.startsWith('`precheck`'),
);
const hasKvm = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
  () => true,
  () => false,
);
test.runIf(hasKvm).each(probing)('$name, also under an acceleration by name', ({ run }) => run());

// Processes are told apart by /proc.
const onLinux = test.runIf(process.platform === 'linux');
for (const { name, run } of await driverContract(qemuDriver, bed)) onLinux(name, run, 240_000);
