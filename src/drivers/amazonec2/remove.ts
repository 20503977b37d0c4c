import { CancelSpotInstanceRequestsCommand, type Tag, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { retry, waitFor } from '../../base/wait.ts';
import type { Holding } from '../../sdk/driver.ts';
import { backoffMs, type Ec2Api, withApi } from './api/api.ts';
import { isNotFound, unlessGone } from './api/failures.ts';
import { type Ec2Context, ID_TAG, NAME_TAG, ofMachine, STORE_TAG, tagOf } from './context.ts';
import { ec2Error } from './errors.ts';
import { findInstance, findInstances, findSpotRequests, ownInstances } from './instance/instance.ts';
import { deleteKey, findKeys } from './instance/login-key.ts';
import { deleteGroup, findGroups, groupsUsedByOthers } from './network/security-group.ts';

/** Ids of what a machine has at EC2, and the names of key pairs, by which they are deleted. */
interface Resources {
  readonly instances: readonly string[];
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly spotRequests: readonly string[];
}

const NO_RESOURCES: Resources = { instances: [], keys: [], groups: [], spotRequests: [] };

/** Everything in the region that bears the machine's id. */
async function taggedResources(api: Ec2Api, machineId: string, mayBeSpot: boolean): Promise<Resources> {
  const filter = ofMachine(machineId);
  const [instances, keys, groups, requests] = await Promise.all([
    ownInstances(api, machineId),
    findKeys(api, filter),
    findGroups(api, [filter]),
    mayBeSpot ? findSpotRequests(api, filter) : [],
  ]);
  return {
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    keys: keys.flatMap(({ KeyName }) => KeyName ?? []),
    groups: groups.flatMap(({ GroupId }) => GroupId ?? []),
    spotRequests: requests.flatMap(({ SpotInstanceRequestId }) => SpotInstanceRequestId ?? []),
  };
}

/** What stands in the record, whether or not EC2 shows it now. docker-machine tagged nothing. */
function recordedResources({ config }: Ec2Context): Resources {
  const known = (id: string | undefined) => (id === undefined || id === '' ? [] : [id]);
  return {
    instances: known(config.InstanceId),
    keys: config.ExistingKey ? [] : known(config.KeyName),
    groups: config.OwnGroupIds ?? [],
    spotRequests: known(config.SpotRequestId),
  };
}

const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

function allOf(a: Resources, b: Resources): Resources {
  return {
    instances: union(a.instances, b.instances),
    keys: union(a.keys, b.keys),
    groups: union(a.groups, b.groups),
    spotRequests: union(a.spotRequests, b.spotRequests),
  };
}

/** For how long EC2 may not show what was asked for: its eventual consistency. */
const UNSEEN_MS = 30_000;
const TERMINATE_MS = 20 * 60_000;
/** For how long EC2 may show what was deleted, and a network interface may hold a group. */
const LINGER_MS = 2 * 60_000;

/** What is known of a machine besides what EC2 shows under its id. */
interface Knowledge {
  readonly recorded: Resources;
  /** The last launch was answered, so that nothing unknown can come of it any more. */
  readonly isAnswered: boolean;
  /** Milliseconds since the epoch. What is not seen from then on is not there. */
  readonly settledAt: number;
  readonly mayBeSpot: boolean;
  /** Told once the instances, keys and requests are gone, and of the groups that are left. */
  forget(groups: readonly string[]): Promise<void>;
}

/** Of a machine without a record. What is not seen today, the next gc finds. */
const NOTHING_KNOWN: Knowledge = {
  recorded: NO_RESOURCES,
  isAnswered: false,
  settledAt: 0,
  mayBeSpot: true,
  forget: async () => undefined,
};

export async function removeMachine(context: Ec2Context): Promise<void> {
  const {
    InstanceId,
    LaunchRefused,
    LastAskedAt = 0,
    Region,
    RequestSpotInstance,
    ExistingKey,
  } = context.config;
  // It never got as far as choosing a region, so nothing was made.
  if (Region === '') return;
  const knowledge: Knowledge = {
    recorded: recordedResources(context),
    isAnswered: InstanceId !== '' || LaunchRefused === true,
    settledAt: LastAskedAt + UNSEEN_MS,
    mayBeSpot: RequestSpotInstance === true,
    // The next removal, should this one fail, asks for nothing that is gone.
    forget: async (OwnGroupIds) => {
      const gone = {
        InstanceId: '',
        SpotRequestId: '',
        OwnGroupIds,
        LaunchRefused: InstanceId !== '' || LaunchRefused,
      };
      await context.save(ExistingKey ? gone : { ...gone, KeyName: '' });
    },
  };
  await withApi(context, (api) => removeAll(api, context, context.machine.id, knowledge));
}

export async function removeHoldings(context: Ec2Context, machineId: string): Promise<void> {
  await withApi(context, (api) => removeAll(api, context, machineId, NOTHING_KNOWN));
}

/**
 * Removes and looks again, until EC2 shows nothing and nothing can still appear.
 * A group may be in use by an instance that is not shown yet.
 */
async function removeAll(
  api: Ec2Api,
  context: Ec2Context,
  machineId: string,
  { recorded, isAnswered, settledAt, mayBeSpot, forget }: Knowledge,
): Promise<void> {
  const { clock, report, signal } = context;
  const seen = new Set<string>();
  let end: number | undefined;
  let pending = recorded;
  const round = async () => {
    const found = await taggedResources(api, machineId, mayBeSpot);
    const all = allOf(pending, found);
    await removeHosts(api, context, all, settledAt);
    if (pending === recorded) await forget(pending.groups);
    const used = await groupsUsedByOthers(api, all.groups, () => machineId);
    const kept: string[] = [];
    // Some servers delete a group under the instances that are in it.
    for (const id of all.groups) if (used.has(id) || !(await deleteGroup(api, id))) kept.push(id);
    pending = { ...NO_RESOURCES, groups: kept };
    for (const id of idsOf(found)) seen.add(id);
    // The time runs from when the instance is gone, which may take long.
    end ??= Math.max(settledAt, clock.now()) + LINGER_MS;
    // The instance is asked for last. Once that is answered, nothing else is open.
    // What has been seen cannot appear again.
    const isKnown = isAnswered && idsOf(recorded).every((id) => seen.has(id));
    // An open spot request may have launched another instance until it was cancelled.
    const isEmpty = [found.instances, found.keys, found.spotRequests].every((each) => each.length === 0);
    const isQuiet = isEmpty && (isKnown || clock.now() >= settledAt);
    const isOver = clock.now() >= end;
    if (!isEmpty && isOver) throw undeletable(found);
    // The last of the machines that share a group takes it along.
    return isQuiet && (isOver || kept.every((id) => used.has(id))) ? kept : undefined;
  };
  const kept = await waitFor(round, { clock, signal, intervalMs: backoffMs });
  for (const id of kept) report.info(`The security group ${id} stays: something else uses it.`);
}

const idsOf = ({ instances, keys, groups }: Resources) => [...instances, ...keys, ...groups];

/** Deleted again and again with success, and still there. An error is better than a loop. */
function undeletable({ instances, keys, spotRequests }: Resources): Error {
  const what = [...instances, ...spotRequests, ...keys.map((name) => `the key pair ${name}`)].join(', ');
  return ec2Error('MM_EC2_STATE', {
    message: `EC2 says that it deleted ${what}, and goes on showing it`,
    hint: 'See it in the EC2 console; the same command may be run again.',
  });
}

async function removeHosts(
  api: Ec2Api,
  context: Ec2Context,
  { spotRequests, instances, keys }: Resources,
  settledAt: number,
): Promise<void> {
  for (const id of spotRequests) await cancelSpotRequest(api, id);
  for (const id of instances) await terminate(api, context, id, settledAt);
  for (const name of keys) await deleteKey(api, name);
}

async function cancelSpotRequest(api: Ec2Api, id: string): Promise<void> {
  const request = { SpotInstanceRequestIds: [id] };
  await unlessGone(api.ask((ec2) => ec2.send(new CancelSpotInstanceRequestsCommand(request))));
}

async function terminate(api: Ec2Api, context: Ec2Context, id: string, settledAt: number): Promise<void> {
  const { clock, signal } = context;
  const send = () => api.ask((ec2) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  // An id that we were given just now may be unknown for some seconds, and is not gone then.
  const wait = { clock, signal, timeoutMs: settledAt - clock.now(), intervalMs: backoffMs };
  const answer = await unlessGone(retry(send, isNotFound, wait));
  if (answer !== undefined) await waitUntilTerminated(api, context, id);
}

/** Its group and its volume can go only with it. */
async function waitUntilTerminated(api: Ec2Api, context: Ec2Context, id: string): Promise<void> {
  const { clock, signal, machine } = context;
  let state: string | undefined;
  const isGone = async () => {
    state = (await findInstance(api, id))?.State?.Name;
    return state === undefined || state === 'terminated' || undefined;
  };
  const intervalMs = (attempt: number) => backoffMs(Math.min(attempt, 3));
  if (await waitFor(isGone, { clock, signal, timeoutMs: TERMINATE_MS, intervalMs })) return;
  throw ec2Error('MM_EC2_STATE', {
    message: `The instance ${id} is still ${state} after ${TERMINATE_MS / 60_000} minutes`,
    hint: `It may be protected from termination: see it in the EC2 console, then run "mymachine rm ${machine.name}" again.`,
  });
}

/** Everything under our tags in the machine's account and region. */
export async function holdings(context: Ec2Context, all: boolean): Promise<readonly Holding[]> {
  const filter = all
    ? { Name: 'tag-key', Values: [ID_TAG] }
    : { Name: `tag:${STORE_TAG}`, Values: [await context.storeId()] };
  return withApi(context, async (api) => {
    const [instances, requests, keys, groups] = await Promise.all([
      findInstances(api, filter),
      findSpotRequests(api, filter),
      findKeys(api, filter),
      findGroups(api, [filter]),
    ]);
    const owners = new Map(groups.map(({ GroupId = '', Tags }) => [GroupId, tagOf(Tags, ID_TAG)]));
    const used = await groupsUsedByOthers(api, [...owners.keys()], (id) => owners.get(id) ?? '');
    const of = (kind: string, id = '', tags: readonly Tag[] = []): Holding => ({
      machineId: tagOf(tags, ID_TAG),
      machineName: tagOf(tags, NAME_TAG),
      kind,
      id,
      where: api.region,
    });
    return [
      ...instances.map(({ InstanceId, Tags }) => of('instance', InstanceId, Tags)),
      ...requests.map(({ SpotInstanceRequestId, Tags }) => of('spot request', SpotInstanceRequestId, Tags)),
      ...keys.map(({ KeyPairId, Tags }) => of('key pair', KeyPairId, Tags)),
      // A group that another machine uses goes with that machine.
      ...groups
        .filter(({ GroupId = '' }) => !used.has(GroupId))
        .map(({ GroupId, Tags }) => of('security group', GroupId, Tags)),
    ].filter(({ machineId, id }) => machineId !== '' && id !== '');
  });
}
