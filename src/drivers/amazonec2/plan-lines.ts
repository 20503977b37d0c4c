import type { PlanLine } from '../../sdk/context.ts';
import type { Ec2Context } from './context.ts';
import { ENGINE_PORT } from './context.ts';
import { callerNetworks } from './network/caller-address.ts';
import type { Plan } from './plan.ts';

/** What `create --dry-run` says. */
export async function planLines(context: Ec2Context, plan: Plan): Promise<readonly PlanLine[]> {
  const { config } = context;
  const zones = plan.subnets.map(({ id, zone }) => `${zone} (${id})`).join(', then ');
  const root = `${config.RootSize} GB ${config.VolumeType}${config.UnencryptedRoot ? '' : ', encrypted'}, as ${plan.rootDevice}`;
  const groups = config.SecurityGroupNames;
  const opened =
    groups.length > 0 && config.SecurityGroupReadOnly
      ? []
      : await callerNetworks(context, plan.subnets[0]?.cidrs ?? []);
  const ports = config.SSHOnly === true ? `${config.SSHPort}` : `${config.SSHPort} and ${ENGINE_PORT}`;
  return [
    { label: 'region', value: plan.region },
    { label: 'zone', value: zones },
    { label: 'vpc', value: plan.vpcId },
    {
      label: 'type',
      value: `${config.InstanceType} (${plan.arch})${config.RequestSpotInstance ? `, spot up to $${config.SpotPrice} an hour` : ''}`,
    },
    { label: 'image', value: `${plan.imageId} (${plan.imageName})` },
    { label: 'root volume', value: root },
    {
      label: 'group',
      value: `${groups.length === 0 ? 'one of its own' : groups.join(', ')}${opened.length === 0 ? ', as it is' : `, ${ports} open to ${opened.join(', ')}`}`,
    },
    ...(config.SSHOnly === true ? [{ label: 'engine', value: 'reached through SSH alone' }] : []),
    { label: 'key pair', value: config.ExistingKey ? config.KeyName : 'one of its own (ed25519)' },
    { label: 'permission', value: 'RunInstances and what goes before it are allowed (DryRun)' },
  ];
}
