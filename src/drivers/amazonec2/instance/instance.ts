import {
  type Instance,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { waitFor } from '../../../base/wait.ts';
import type { HostStatus, MachineState } from '../../../sdk/status.ts';
import type { Ec2Api } from '../api/api.ts';
import { findInstance } from '../api/find-instances.ts';
import { pauseBefore } from '../api/pause.ts';
import type { Ec2Config } from '../config.ts';
import type { Ec2Context } from '../context.ts';
import { ec2Error } from '../errors.ts';

const STATES: Readonly<Record<string, MachineState>> = {
  pending: 'Starting',
  running: 'Running',
  'shutting-down': 'Stopping',
  stopping: 'Stopping',
  stopped: 'Stopped',
  terminated: 'Error',
};

function stateOf(instance: Instance | undefined): MachineState {
  return STATES[instance?.State?.Name ?? ''] ?? 'Error';
}

/** Where the machine is reached: by the address that the flags want; '' when it has none now. */
export function addressOf(instance: Instance | undefined, config: Readonly<Ec2Config>): string {
  const usable = ['pending', 'running', 'stopping'].includes(instance?.State?.Name ?? '');
  if (instance === undefined || !usable) return '';
  const wantsPrivate = config.PrivateIPOnly || config.UsePrivateIP;
  const address = wantsPrivate ? instance.PrivateIpAddress : instance.PublicIpAddress;
  return address ?? (config.IPv6 ? ipv6Of(instance) : '');
}

const ipv6Of = ({ Ipv6Address, NetworkInterfaces = [] }: Instance): string =>
  [Ipv6Address, ...NetworkInterfaces.flatMap(({ Ipv6Addresses = [] }) => Ipv6Addresses[0]?.Ipv6Address)].find(
    (address) => address !== undefined && address !== '',
  ) ?? '';

/** An instance that EC2 does not know any more is an error. */
export const statusOf = (instance: Instance | undefined, config: Readonly<Ec2Config>): HostStatus => ({
  state: stateOf(instance),
  address: addressOf(instance, config),
});

function why(instance: Instance | undefined): string {
  const reason = instance?.StateReason?.Message ?? instance?.StateTransitionReason ?? '';
  return reason === '' ? '' : `: ${reason.slice(0, 200)}`;
}

/**
 * Waits until the instance is in the state, and with `ready` until that holds as well. An instance that ended meanwhile
 * is an error, and so is one that takes longer than `timeoutMs`.
 */
export async function waitForInstance(
  api: Ec2Api,
  context: Ec2Context,
  wanted: 'running' | 'stopped',
  timeoutMs: number,
  ready: (instance: Instance) => boolean = () => true,
): Promise<Instance> {
  const { clock, config, machine, signal } = context;
  let last: Instance | undefined;
  const probe = async () => {
    const instance = await findInstance(api, config.InstanceId);
    last = instance;
    const state = instance?.State?.Name;
    if (instance !== undefined && state === wanted && ready(instance)) return instance;
    if (state === 'terminated' || state === 'shutting-down') {
      throw ec2Error('MM_EC2_GONE', {
        message: `The instance ${config.InstanceId} was terminated${why(instance)}`,
        hint: `"mymachine rm ${machine.name}" removes what is left of it; then make it again.`,
      });
    }
    return undefined;
  };
  const intervalMs = (attempt: number) => pauseBefore(Math.min(attempt, 2));
  const instance = await waitFor(probe, { clock, signal, timeoutMs, intervalMs });
  if (instance !== undefined) return instance;
  throw ec2Error('MM_EC2_STATE', {
    message: `The instance ${config.InstanceId} is ${last?.State?.Name ?? 'not to be seen'} instead of ${wanted} after ${Math.round(timeoutMs / 1000)} s${why(last)}`,
    hint: 'See it in the EC2 console; the same command may be run again.',
  });
}

const START_MS = 5 * 60_000;
/** A guest that does not listen is switched off by EC2 after some minutes. */
const STOP_MS = 15 * 60_000;

/** `create` and `start`: it runs and has an address. */
export function waitUntilUp(api: Ec2Api, context: Ec2Context): Promise<Instance> {
  return waitForInstance(
    api,
    context,
    'running',
    START_MS,
    (found) => addressOf(found, context.config) !== '',
  );
}

function knownId({ config, machine }: Ec2Context): string {
  if (config.InstanceId !== '') return config.InstanceId;
  throw ec2Error('MM_EC2_GONE', {
    message: `"${machine.name}" has no instance yet`,
    hint: `Finish its create with "mymachine create --resume ${machine.name}".`,
  });
}

export async function startInstance(api: Ec2Api, context: Ec2Context): Promise<void> {
  const id = knownId(context);
  const now = await findInstance(api, id);
  if (now?.State?.Name === 'stopping') await waitForInstance(api, context, 'stopped', STOP_MS);
  await api.ask((ec2) => ec2.send(new StartInstancesCommand({ InstanceIds: [id] })));
  const up = await waitUntilUp(api, context);
  await context.save({
    IPAddress: addressOf(up, context.config),
    PrivateIPAddress: up.PrivateIpAddress ?? '',
  });
}

export async function stopInstance(api: Ec2Api, context: Ec2Context, force: boolean): Promise<void> {
  const id = knownId(context);
  await api.ask((ec2) =>
    ec2.send(new StopInstancesCommand({ InstanceIds: [id], ...(force ? { Force: true } : {}) })),
  );
  await waitForInstance(api, context, 'stopped', STOP_MS);
  await context.save({ IPAddress: '' });
}

/** EC2 only takes note of it, and the instance stays `running` throughout (RebootInstances). */
export async function rebootInstance(api: Ec2Api, context: Ec2Context): Promise<void> {
  await api.ask((ec2) => ec2.send(new RebootInstancesCommand({ InstanceIds: [knownId(context)] })));
}
