import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { unitName } from '../../src/drivers/nspawn/container/container.ts';
import { networkId } from '../../src/drivers/nspawn/network/leases.ts';
import { networkNames } from '../../src/drivers/nspawn/network/network.ts';
import { testPorts } from './ports.ts';

/**
 * Everything on this computer that belongs to a store's container machines, outside
 * of the store: network namespaces, links, mounts, control groups, processes.
 * Others may work here at the same time, so it looks for names, not counts.
 */
export async function leftoversOf(
  storeDir: string,
  machineIds: readonly string[],
): Promise<readonly string[]> {
  const { programs } = testPorts();
  const { netns, link, group } = networkNames(networkId(storeDir));
  const names = [netns, link, group, storeDir, ...machineIds.map((id) => unitName(id))];
  const isOurs = (text: string) => names.some((name) => text.includes(name));
  const found: string[] = [];
  for (const argv of [
    ['ip', 'netns', 'list'],
    ['ip', '-brief', 'link'],
    ['ip', 'route', 'show', 'table', 'all'],
  ] as const) {
    const { stdout } = await programs.run([...argv]);
    found.push(
      ...stdout
        .split('\n')
        .filter(isOurs)
        .map((line) => `${argv.join(' ')}: ${line}`),
    );
  }
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  found.push(
    ...mounts
      .split('\n')
      .filter(isOurs)
      .map((line) => `mount: ${line}`),
  );
  const { stdout: groups } = await programs.run([
    'find',
    '/sys/fs/cgroup',
    '-type',
    'd',
    '-path',
    '*mymachine*',
  ]);
  found.push(
    ...groups
      .split('\n')
      .filter(isOurs)
      .map((line) => `cgroup: ${line}`),
  );
  const { stdout: left } = await programs.run([
    'find',
    '/run/systemd/nspawn',
    '/run/netns',
    '/run/mymachine',
  ]);
  found.push(
    ...left
      .split('\n')
      .filter(isOurs)
      .map((line) => `run: ${line}`),
  );
  found.push(...(await processes(isOurs)));
  return found;
}

async function processes(isOurs: (text: string) => boolean): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  )) {
    const folder = join('/proc', pid);
    const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
    // A zombie is over; its parent, for orphans the computer's init, collects it in its own time.
    if (/^State:\s*Z/m.test(await read('status'))) continue;
    const command = (await read('cmdline')).replaceAll('\0', ' ');
    const root = await readlink(join(folder, 'root')).catch(() => '');
    if (isOurs(command) || isOurs(await read('cgroup')) || isOurs(root))
      found.push(`process ${pid}: ${command}`);
  }
  return found;
}
