import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../cli/program.ts';

/** The machine that every other is a copy of. */
const FIRST = 'm000';

/** Makes the authority and the first machine with the program itself. */
export async function makeFirst(sandbox: Sandbox): Promise<void> {
  const made = await sandbox.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', FIRST]);
  if (made.code !== 0) throw new Error(made.stderr);
}

/** A store with a machine of the driver none for each address, m000 first; gives its path. */
export async function makeStore(
  sandbox: Sandbox,
  title: string,
  addresses: readonly string[],
): Promise<string> {
  const store = join(sandbox.home, title);
  const model = join(sandbox.store, 'machines', FIRST);
  await mkdir(join(store, 'machines'), { recursive: true });
  await cp(join(sandbox.store, 'certs'), join(store, 'certs'), { recursive: true });
  for (const [index, address] of addresses.entries()) {
    const name = `m${String(index).padStart(3, '0')}`;
    const folder = join(store, 'machines', name);
    await cp(model, folder, { recursive: true });
    const config = await readFile(join(folder, 'config.json'), 'utf8');
    const own = config
      .replaceAll(sandbox.store, store)
      .replaceAll(FIRST, name)
      .replaceAll('tcp://127.0.0.1:1"', `tcp://${address}"`);
    await writeFile(join(folder, 'config.json'), own);
  }
  return store;
}
