import type { HostStatus } from '../../../sdk/status.ts';
import { withApi } from '../api/api.ts';
import { instancesById } from '../api/find-instances.ts';
import type { Ec2Context } from '../context.ts';
import { statusOf } from './instance.ts';

/** All that machines of one account have, by the machine's name. The first one's settings say how EC2 is asked. */
export async function statusOfMany(
  contexts: readonly Ec2Context[],
): Promise<ReadonlyMap<string, HostStatus>> {
  const made = contexts.filter(({ config }) => config.InstanceId !== '');
  const [first] = made;
  if (first === undefined) return new Map();
  const ids = made.map(({ config }) => config.InstanceId);
  const found = await withApi(first, (api) => instancesById(api, ids));
  return new Map(
    made.flatMap(({ machine, config }) => {
      const instance = found.get(config.InstanceId);
      if (instance === undefined) return [];
      return [[machine.name, statusOf(instance, config)] as const];
    }),
  );
}
