import { join } from 'node:path';
import type { Tag } from '@aws-sdk/client-ec2';
import type { DriverContext } from '../../sdk/context.ts';
import type { Ec2Config } from './config.ts';

export type Ec2Context = DriverContext<Ec2Config>;

export const ENGINE_PORT = 2376;

/** Files of the machine, in its folder. */
export function machineFiles(dir: string) {
  return {
    key: join(dir, 'id_ed25519'),
    givenKey: join(dir, 'id_given'),
    hostKey: join(dir, 'ssh_host_ed25519_key'),
  };
}

/** The name of a machine's key pair and group. Two stores may have machines of one name. */
export function resourceName({ machine }: Pick<Ec2Context, 'machine'>): string {
  return `mymachine-${machine.name.slice(0, 60)}-${machine.id.slice(0, 8)}`;
}

export const ID_TAG = 'mymachine:id';
export const NAME_TAG = 'mymachine:name';
export const STORE_TAG = 'mymachine:store';

/** What a Describe call narrows its answer by. */
export interface ResourceFilter {
  readonly Name: string;
  readonly Values: string[];
}

/** Finds what bears a machine's id. */
export const ofMachine = (machineId: string): ResourceFilter => ({
  Name: `tag:${ID_TAG}`,
  Values: [machineId],
});

/** A tag's value. '' without such a tag. */
export const tagOf = (tags: readonly Tag[] | undefined, key: string): string =>
  tags?.find(({ Key }) => Key === key)?.Value ?? '';

/** The tags of everything that is made for a machine: the user's, and ours to find it again. */
export function tagsOf({ machine, config }: Pick<Ec2Context, 'machine' | 'config'>): Tag[] {
  const words = config.Tags === '' ? [] : config.Tags.split(',');
  const pairs = words.flatMap((key, index) =>
    index % 2 === 0 ? [[key, words[index + 1] ?? ''] as const] : [],
  );
  const ours = [
    [ID_TAG, machine.id],
    [NAME_TAG, machine.name],
    // On record since the create began, so that a call that is repeated later is the same.
    [STORE_TAG, config.StoreId ?? ''],
  ] as const;
  const all = new Map<string, string>([['Name', machine.name], ...pairs, ...ours]);
  return [...all].map(([Key, Value]) => ({ Key, Value }));
}
