import {
  CreateSecurityGroupCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { MachineError } from '../../base/machine-error.ts';
import type { PlanLine } from '../../sdk/context.ts';
import { keepOrMakeKey } from '../../sdk/guest.ts';
import { type Ec2Api, withApi } from './api/api.ts';
import { isOfSubnet } from './api/failures.ts';
import { type Ec2Context, ENGINE_PORT, machineFiles, resourceName } from './context.ts';
import { addressesWhenUp } from './instance/instance.ts';
import { launch, launchRequest, ownUserData } from './instance/launch.ts';
import { checkPrivateKey, importKey, keepPrivateKey, keyRequest } from './instance/login-key.ts';
import { callerNetworks } from './network/caller-address.ts';
import {
  ensureGroups,
  groupRequest,
  makesGroup,
  namedGroups,
  opensGroup,
  warnOfOpenDoors,
} from './network/security-group.ts';
import { makePlan, type Plan } from './plan.ts';

/** Makes the machine in steps, each of which can be cut off and run again. */
export async function createInstance(context: Ec2Context): Promise<void> {
  const { machine } = context;
  await context.step('ec2.plan', 'Choosing image and network...', () =>
    withApi(context, async (api) => {
      const plan = await makePlan(api, context.config);
      return {
        StoreId: await context.storeId(),
        Region: plan.region,
        // What the environment says today need not hold tomorrow.
        Endpoint: context.config.Endpoint || api.foundEndpoint(),
        AMI: plan.imageId,
        DeviceName: plan.rootDevice,
        VpcId: plan.vpcId,
        Subnets: plan.subnets.map(({ id }) => id),
        SubnetCidrs: plan.subnets[0]?.cidrs ?? [],
      };
    }),
  );
  await context.step('ec2.key', 'Creating SSH keys...', async () => {
    await keepOrMakeKey(machineFiles(machine.dir).hostKey, machine.name);
    return { SSHKeyPath: await keepPrivateKey(context) };
  });
  if (!context.config.ExistingKey) {
    await context.step('ec2.keypair', 'Importing the SSH key...', async () => {
      await noteRequest(context);
      const KeyPairId = await withApi(context, (api) => importKey(api, context));
      return { KeyPairId, KeyName: resourceName(context) };
    });
  }
  warnOfOpenDoors(context);
  await context.step('ec2.group', 'Seeing to the security group...', async () => {
    await noteRequest(context);
    return withApi(context, (api) => ensureGroups(api, context));
  });
  await context.step('ec2.launch', 'Launching instance...', () =>
    withApi(context, (api) => launch(api, context)),
  );
  await context.step('ec2.wait', 'Waiting for the instance to run...', () =>
    withApi(context, (api) => addressesWhenUp(api, context)),
  );
}

/** From here on EC2 may have made something that it did not tell us of, or does not show yet. */
async function noteRequest(context: Ec2Context): Promise<void> {
  await context.save({ LastAskedAt: context.clock.now() });
}

/** Checks everything that can be known to go wrong, permissions included, with nothing made. */
export async function precheck(context: Ec2Context): Promise<readonly PlanLine[]> {
  try {
    return await check(context);
  } catch (error) {
    if (!(error instanceof MachineError)) throw error;
    const { code, message, hint } = error;
    throw new MachineError(code, 3, { message, cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

async function check(context: Ec2Context): Promise<readonly PlanLine[]> {
  const { config } = context;
  await ownUserData(config.UserDataFile);
  if (config.SSHPrivateKeyPath !== '') await checkPrivateKey(config.SSHPrivateKeyPath);
  return withApi(context, async (api) => {
    const plan = await makePlan(api, config);
    if (config.ExistingKey)
      await api.ask((ec2) => ec2.send(new DescribeKeyPairsCommand({ KeyNames: [config.KeyName] })));
    const groups = await namedGroups(api, context, plan.vpcId);
    const Endpoint = config.Endpoint || api.foundEndpoint();
    const networks = opensGroup(context, groups)
      ? await callerNetworks({ ...context, config: { ...config, Endpoint } }, plan.subnets[0]?.cidrs ?? [])
      : [];
    await rehearseParts(api, context, plan.vpcId, makesGroup(groups));
    const subnets = await rehearseLaunch(api, context, plan);
    return planLines(context, { ...plan, subnets }, networks);
  });
}

/** Asks EC2 whether we may make each thing that comes before the instance. */
async function rehearseParts(
  api: Ec2Api,
  context: Ec2Context,
  vpcId: string,
  withGroup: boolean,
): Promise<void> {
  const { config } = context;
  const name = resourceName(context);
  const DryRun = true;
  if (withGroup) {
    const request = { ...groupRequest(context, name, vpcId), DryRun };
    await api.rehearse((ec2) => ec2.send(new CreateSecurityGroupCommand(request)));
  }
  if (!config.ExistingKey) {
    const request = { ...keyRequest(context, name, SOME_KEY), DryRun };
    await api.rehearse((ec2) => ec2.send(new ImportKeyPairCommand(request)));
  }
}

/** Asks for the launch itself. Gives the subnets from the first that takes it. */
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

/** A public key for a rehearsal. Nobody has its private half. */
const SOME_KEY = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 1),
]).toString('base64')} rehearsal`;

/** @param networks to which the group will be opened */
function planLines({ config }: Ec2Context, plan: Plan, networks: readonly string[]): readonly PlanLine[] {
  const spot = config.RequestSpotInstance ? `, spot up to $${config.SpotPrice} an hour` : '';
  const encrypted = config.UnencryptedRoot ? '' : ', encrypted';
  const groups = config.SecurityGroupNames.join(', ') || 'one of its own';
  const ports = config.SSHOnly === true ? `${config.SSHPort}` : `${config.SSHPort} and ${ENGINE_PORT}`;
  const opened = networks.length === 0 ? 'as it is' : `${ports} open to ${networks.join(', ')}`;
  return [
    { label: 'region', value: plan.region },
    { label: 'zone', value: plan.subnets.map(({ id, zone }) => `${zone} (${id})`).join(', then ') },
    { label: 'vpc', value: plan.vpcId },
    { label: 'type', value: `${config.InstanceType} (${plan.arch})${spot}` },
    { label: 'image', value: `${plan.imageId} (${plan.imageName})` },
    {
      label: 'root volume',
      value: `${config.RootSize} GB ${config.VolumeType}${encrypted}, as ${plan.rootDevice}`,
    },
    { label: 'group', value: `${groups}, ${opened}` },
    ...(config.SSHOnly === true ? [{ label: 'engine', value: 'reached through SSH alone' }] : []),
    { label: 'key pair', value: config.ExistingKey ? config.KeyName : 'one of its own (ed25519)' },
    { label: 'permission', value: 'RunInstances and what goes before it are allowed (DryRun)' },
  ];
}
