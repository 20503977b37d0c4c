import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createAtomic, makeFolders } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import { storeFailure } from './errors.ts';
import { readStoreFile } from './files.ts';

/** A provider's account and region in which machines were made, by options that are not secret. */
export interface KnownAccount {
  readonly driver: string;
  readonly flags: Readonly<Record<string, string>>;
}

/** Each account is a file of its own, named after what it says, so that no lock is needed. */
export async function rememberAccount(folder: string, account: KnownAccount): Promise<void> {
  const text = `${JSON.stringify(account)}\n`;
  const path = join(folder, `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`);
  if (existsSync(path)) return;
  try {
    await makeFolders(folder, 0o700);
    await createAtomic(path, text);
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** All that were remembered. What is none is left out. */
export async function knownAccounts(folder: string): Promise<readonly KnownAccount[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[^.].*\.json$/.test(name));
  const found = await Promise.all(
    names.sort().map(async (name) => parse(await readStoreFile(join(folder, name)))),
  );
  return found.flatMap((account) => account ?? []);
}

function parse(text = ''): KnownAccount | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || typeof value['driver'] !== 'string' || !isObject(value['flags']))
      return undefined;
    const flags = Object.entries(value['flags']).filter(
      (flag): flag is [string, string] => typeof flag[1] === 'string',
    );
    return { driver: value['driver'], flags: Object.fromEntries(flags) };
  } catch {
    return undefined;
  }
}
