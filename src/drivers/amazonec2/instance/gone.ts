import { DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { type Ec2Api, withApi } from '../api/api.ts';
import { isNotFound } from '../api/failures.ts';
import { findInstance } from '../api/find-instances.ts';
import type { Ec2Context } from '../context.ts';

/**
 * Whether EC2 itself says that the machine's instance is terminated, or knows nothing of it. It says the latter of another
 * account's instances as well, so it counts only from an account that knows the machine's VPC.
 */
export function isGone(context: Ec2Context): Promise<boolean> {
  const { InstanceId, VpcId } = context.config;
  return withApi(context, async (api) => {
    if (InstanceId === '') return false;
    const found = await findInstance(api, InstanceId);
    return found === undefined ? knowsVpc(api, VpcId) : found.State?.Name === 'terminated';
  });
}

async function knowsVpc(api: Ec2Api, id: string): Promise<boolean> {
  if (id === '') return false;
  try {
    const { Vpcs = [] } = await api.ask((ec2) => ec2.send(new DescribeVpcsCommand({ VpcIds: [id] })));
    return Vpcs.length > 0;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
