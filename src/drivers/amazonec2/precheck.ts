import {
  CreateSecurityGroupCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { MachineError } from '../../base/machine-error.ts';
import { type Ec2Api, withApi } from './api/api.ts';
import { isOfSubnet } from './api/failures.ts';
import { type Ec2Context, resourceName } from './context.ts';
import { checkPrivateKey, keyRequest } from './instance/key-pair.ts';
import { launchRequest } from './instance/launch.ts';
import { ownUserData } from './instance/user-data.ts';
import { callerNetworks } from './network/caller-address.ts';
import { groupRequest, namedGroups, opensDoors } from './network/security-group.ts';
import { makePlan, type Plan } from './plan.ts';

/** Everything that can be known to go wrong, permissions included, with nothing made. Gives what would be. */
export async function precheckEc2(context: Ec2Context): Promise<Plan> {
  try {
    return await check(context);
  } catch (error) {
    if (!(error instanceof MachineError)) throw error;
    const { code, message, hint } = error;
    throw new MachineError(code, 3, { message, cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

async function check(context: Ec2Context): Promise<Plan> {
  const { config } = context;
  await ownUserData(config.UserDataFile);
  if (config.SSHPrivateKeyPath !== '') await checkPrivateKey(config.SSHPrivateKeyPath);
  return withApi(context, async (api) => {
    const plan = await makePlan(api, config);
    if (config.ExistingKey)
      await api.ask((ec2) => ec2.send(new DescribeKeyPairsCommand({ KeyNames: [config.KeyName] })));
    const groups = await namedGroups(api, context, plan.vpcId);
    if (opensDoors(context, groups)) await callerNetworks(context, plan.subnets[0]?.cidrs ?? []);
    await rehearseParts(api, context, plan, groups.size === 0 || [...groups.values()].includes(undefined));
    return { ...plan, subnets: await rehearseLaunch(api, context, plan) };
  });
}

/** Asks EC2 whether we may, for each thing that would be made before the instance. */
async function rehearseParts(
  api: Ec2Api,
  context: Ec2Context,
  plan: Plan,
  makesGroup: boolean,
): Promise<void> {
  const { config } = context;
  const name = resourceName(context);
  const DryRun = true;
  if (makesGroup) {
    const request = { ...groupRequest(context, name, plan.vpcId), DryRun };
    await api.rehearse((ec2) => ec2.send(new CreateSecurityGroupCommand(request)));
  }
  if (!config.ExistingKey) {
    const request = { ...keyRequest(context, name, SOME_KEY), DryRun };
    await api.rehearse((ec2) => ec2.send(new ImportKeyPairCommand(request)));
  }
}

/** Asks for the launch itself. Gives the subnets without those at the beginning that do not take it. */
async function rehearseLaunch(api: Ec2Api, context: Ec2Context, plan: Plan): Promise<Plan['subnets']> {
  const { config, machine } = context;
  const planned = { machine, config: { ...config, AMI: plan.imageId, DeviceName: plan.rootDevice } };
  for (const [index, { id }] of plan.subnets.entries()) {
    // The token stands for the launch alone, whose other parameters differ.
    const { ClientToken: _, ...request } = launchRequest(planned, id, '');
    try {
      await api.rehearse((ec2) => ec2.send(new RunInstancesCommand({ ...request, DryRun: true })));
      return plan.subnets.slice(index);
    } catch (error) {
      if (!isOfSubnet(error) || index === plan.subnets.length - 1) throw error;
    }
  }
  return plan.subnets;
}

/** A public key for a rehearsal: nobody has its private half. */
const SOME_KEY = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 1),
]).toString('base64')} rehearsal`;
