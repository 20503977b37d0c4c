import { join } from 'node:path';
import type { Tag } from '@aws-sdk/client-ec2';
import type { DriverContext } from '../../sdk/context.ts';
import type { Ec2Config } from './config.ts';

export type Ec2Context = DriverContext<Ec2Config>;

export const ENGINE_PORT = 2376;

/** Files of the machine, in its folder. */
export function machineFiles(dir: string) {
  return { key: join(dir, 'id_ed25519'), hostKey: join(dir, 'ssh_host_ed25519_key') };
}

/** What a machine's resources are called where EC2 wants a name; two stores may have machines of one name. */
export function resourceName({ machine }: Pick<Ec2Context, 'machine'>): string {
  return `mymachine-${machine.name.slice(0, 60)}-${machine.id.slice(0, 8)}`;
}

export const ID_TAG = 'mymachine:id';
export const NAME_TAG = 'mymachine:name';
export const STORE_TAG = 'mymachine:store';

/** A tag's value; '' without such a tag. */
export const tagOf = (tags: readonly Tag[] | undefined, key: string): string =>
  tags?.find(({ Key }) => Key === key)?.Value ?? '';

/** Filter for what bears a machine's id. */
export const tagged = (machineId: string) => ({ Name: `tag:${ID_TAG}`, Values: [machineId] });

/**
 * Tells accounts apart as far as it can be seen without asking AWS: keys that a machine brings may be another account's.
 * For comparing alone: it holds the access key's id.
 */
export async function accountOf({ config, secret }: Ec2Context): Promise<string> {
  const { Endpoint, Profile, Region } = config;
  const key = (await secret('amazonec2-access-key')) || config.AccessKey || '';
  return JSON.stringify([Endpoint, Profile, Region, key]);
}

/** The tags of everything that is made for a machine: the user's, and ours by which it can be found again. */
export function tagsOf(context: Pick<Ec2Context, 'machine' | 'config'>): { Key: string; Value: string }[] {
  const { machine, config } = context;
  const words = config.Tags === '' ? [] : config.Tags.split(',');
  const pairs = words.flatMap((key, index) =>
    index % 2 === 0 ? [[key, words[index + 1] ?? ''] as const] : [],
  );
  const ours = [
    [ID_TAG, machine.id],
    [NAME_TAG, machine.name],
    // On record since the create began, so that a call that is repeated later is still the same.
    [STORE_TAG, config.StoreId ?? ''],
  ] as const;
  const all = new Map<string, string>([['Name', machine.name], ...pairs, ...ours]);
  return [...all].map(([Key, Value]) => ({ Key, Value }));
}
