import {
  DescribeInstancesCommand,
  DescribeVpcsCommand,
  GetConsoleOutputCommand,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeSpotInstanceRequests,
  RebootInstancesCommand,
  type SpotInstanceRequest,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { waitFor } from '../../../base/wait.ts';
import type { HostStatus, MachineState } from '../../../sdk/driver.ts';
import { backoffMs, type Ec2Api, everyPage, withApi } from '../api/api.ts';
import { isUnknownCall, unlessGone } from '../api/failures.ts';
import type { Ec2Config } from '../config.ts';
import { type Ec2Context, ofMachine, type ResourceFilter } from '../context.ts';
import { ec2Error } from '../errors.ts';

const STATES: Readonly<Record<string, MachineState>> = {
  pending: 'Starting',
  running: 'Running',
  'shutting-down': 'Stopping',
  stopping: 'Stopping',
  stopped: 'Stopped',
  terminated: 'Error',
};

/** Where the machine is reached, by the address that the flags want. '' when it has none now. */
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
const statusOf = (instance: Instance | undefined, config: Readonly<Ec2Config>): HostStatus => ({
  state: STATES[instance?.State?.Name ?? ''] ?? 'Error',
  address: addressOf(instance, config),
});

export async function status(context: Ec2Context): Promise<HostStatus> {
  const { config } = context;
  if (config.InstanceId === '') return { state: 'None', address: '' };
  return statusOf(await withApi(context, (api) => findInstance(api, config.InstanceId)), config);
}

/** The first machine's settings say how EC2 is asked. */
export async function statusOfMany(
  contexts: readonly Ec2Context[],
): Promise<ReadonlyMap<string, HostStatus>> {
  const made = contexts.filter(({ config }) => config.InstanceId !== '');
  const [first] = made;
  if (first === undefined) return new Map();
  // Naming the instances outright would fail for all of them when one is gone.
  const filter = { Name: 'instance-id', Values: made.map(({ config }) => config.InstanceId) };
  const instances = await withApi(first, (api) => findInstances(api, filter, []));
  const byId = new Map(instances.map((each) => [each.InstanceId, each]));
  return new Map(
    made.flatMap(({ machine, config }) => {
      const instance = byId.get(config.InstanceId);
      return instance === undefined ? [] : [[machine.name, statusOf(instance, config)] as const];
    }),
  );
}

/**
 * Whether EC2 says that the instance is terminated, or knows nothing of it.
 * It knows nothing of another account's instances either.
 * So that answer counts only from an account that knows the machine's VPC.
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
  const request = new DescribeVpcsCommand({ VpcIds: [id] });
  const found = await unlessGone(api.ask((ec2) => ec2.send(request)));
  return (found?.Vpcs ?? []).length > 0;
}

/** The console as far as EC2 has it. Older types give only what is some minutes old. */
export async function consoleOutput(context: Ec2Context): Promise<string> {
  const { InstanceId } = context.config;
  if (InstanceId === '') return '';
  return withApi(context, async (api) => {
    const ask = (Latest: boolean) =>
      api.ask((ec2) => ec2.send(new GetConsoleOutputCommand({ InstanceId, ...(Latest ? { Latest } : {}) })));
    const { Output = '' } = await ask(true).catch((error: unknown) => {
      if (isUnknownCall(error)) return ask(false);
      throw error;
    });
    return Buffer.from(Output, 'base64').toString('utf8');
  });
}

function reasonOf(instance: Instance | undefined): string {
  const reason = instance?.StateReason?.Message ?? instance?.StateTransitionReason ?? '';
  return reason === '' ? '' : `: ${reason.slice(0, 200)}`;
}

/** Waits for the state and for `ready`. Throws when the instance ends or the time is over. */
async function waitForInstance(
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
        message: `The instance ${config.InstanceId} was terminated${reasonOf(instance)}`,
        hint: `"mymachine rm ${machine.name}" removes what is left of it; then make it again.`,
      });
    }
    return undefined;
  };
  const intervalMs = (attempt: number) => backoffMs(Math.min(attempt, 2));
  const instance = await waitFor(probe, { clock, signal, timeoutMs, intervalMs });
  if (instance !== undefined) return instance;
  throw ec2Error('MM_EC2_STATE', {
    message: `The instance ${config.InstanceId} is ${last?.State?.Name ?? 'not to be seen'} instead of ${wanted} after ${Math.round(timeoutMs / 1000)} s${reasonOf(last)}`,
    hint: 'See it in the EC2 console; the same command may be run again.',
  });
}

const START_MS = 5 * 60_000;
/** EC2 switches off a guest that does not listen after some minutes. */
const STOP_MS = 15 * 60_000;

/** Waits until the instance runs and has an address. Gives the addresses for the record. */
export async function addressesWhenUp(api: Ec2Api, context: Ec2Context): Promise<Partial<Ec2Config>> {
  const { config } = context;
  const hasAddress = (found: Instance) => addressOf(found, config) !== '';
  const up = await waitForInstance(api, context, 'running', START_MS, hasAddress);
  return { IPAddress: addressOf(up, config), PrivateIPAddress: up.PrivateIpAddress ?? '' };
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
  await context.save(await addressesWhenUp(api, context));
}

export async function stopInstance(api: Ec2Api, context: Ec2Context, force: boolean): Promise<void> {
  const id = knownId(context);
  await api.ask((ec2) =>
    ec2.send(new StopInstancesCommand({ InstanceIds: [id], ...(force ? { Force: true } : {}) })),
  );
  await waitForInstance(api, context, 'stopped', STOP_MS);
  await context.save({ IPAddress: '' });
}

/** EC2 takes note of it, and the instance stays `running`. One that does not run is started. */
export async function restartInstance(api: Ec2Api, context: Ec2Context): Promise<void> {
  const id = knownId(context);
  const now = await findInstance(api, id);
  if (now?.State?.Name !== 'running') return startInstance(api, context);
  await api.ask((ec2) => ec2.send(new RebootInstancesCommand({ InstanceIds: [id] })));
}

/** The instance as EC2 sees it now. undefined when it is not there. */
export async function findInstance(api: Ec2Api, id: string): Promise<Instance | undefined> {
  if (id === '') return undefined;
  const request = new DescribeInstancesCommand({ InstanceIds: [id] });
  const found = await unlessGone(api.ask((ec2) => ec2.send(request)));
  return found?.Reservations?.flatMap(({ Instances = [] }) => Instances)[0];
}

/** How many values a filter takes (DescribeInstances). */
const MOST_VALUES = 200;

const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

/** Instances that the filter finds in one of the states, or without states in any. */
export async function findInstances(
  api: Ec2Api,
  { Name, Values }: ResourceFilter,
  states = ALIVE,
): Promise<Instance[]> {
  const inState = states.length === 0 ? [] : [{ Name: 'instance-state-name', Values: states }];
  const found: Instance[] = [];
  for (let at = 0; at < Values.length; at += MOST_VALUES) {
    const Filters = [{ Name, Values: Values.slice(at, at + MOST_VALUES) }, ...inState];
    const some = await everyPage(
      api,
      (client) => paginateDescribeInstances({ client }, { Filters }),
      ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances),
    );
    found.push(...some);
  }
  return found;
}

/** Every instance that bears the machine's id and is not terminated. */
export const ownInstances = (api: Ec2Api, machineId: string): Promise<Instance[]> =>
  findInstances(api, ofMachine(machineId), [...ALIVE, 'shutting-down']);

/** States in which a request has an instance or will launch one (DescribeSpotInstanceRequests). */
const REQUESTING = ['open', 'active', 'disabled'];

/**
 * Requests for spot instances that still count.
 * A persistent one outlives its instance and launches the next, so it is looked for by itself.
 * A server that does not know the call has no such requests.
 */
export async function findSpotRequests(
  api: Ec2Api,
  filter: ResourceFilter,
): Promise<readonly SpotInstanceRequest[]> {
  const Filters = [filter, { Name: 'state', Values: REQUESTING }];
  try {
    return await everyPage(
      api,
      (client) => paginateDescribeSpotInstanceRequests({ client }, { Filters }),
      ({ SpotInstanceRequests }) => SpotInstanceRequests,
    );
  } catch (error) {
    if (isUnknownCall(error)) return [];
    throw error;
  }
}
