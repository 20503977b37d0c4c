import { CancelSpotInstanceRequestsCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { type Ec2Api, withApi } from './api.ts';
import type { Ec2Context } from './context.ts';
import { ec2Error } from './errors.ts';
import { isNotFound } from './failures.ts';
import { deleteGroup, ownGroups } from './group.ts';
import { findInstance, ownInstances } from './instance.ts';
import { deleteKey, deleteKeyNamed, ownKeys } from './key-pair.ts';
import { pauseBefore } from './pause.ts';

/** For how long what was asked for may stay unseen: what a create that was cut off made, and what it made a moment ago. */
const UNSEEN_MS = 30_000;
const TERMINATE_MS = 20 * 60_000;
const GROUP_MS = 2 * 60_000;

interface Holdings {
  readonly instances: readonly string[];
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly spotRequests: readonly string[];
}

/** Everything in the region that bears the machine's id. */
export async function resourcesOf(api: Ec2Api, machineId: string): Promise<Holdings> {
  const [instances, keys, groups] = await Promise.all([
    ownInstances(api, machineId),
    ownKeys(api, machineId),
    ownGroups(api, machineId),
  ]);
  return {
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    keys,
    groups,
    spotRequests: instances.flatMap(({ SpotInstanceRequestId }) => SpotInstanceRequestId ?? []),
  };
}

/** Ids that stand in the record, whether or not anybody sees them now. */
function recorded({ config }: Ec2Context): Holdings {
  const known = (id: string | undefined) => (id === undefined || id === '' ? [] : [id]);
  return {
    instances: known(config.InstanceId),
    keys: config.ExistingKey ? [] : known(config.KeyPairId),
    groups: config.OwnGroupIds ?? [],
    spotRequests: known(config.SpotRequestId),
  };
}

/** What is known of a machine's remains besides what EC2 shows under its id. */
interface Begun {
  readonly known: Holdings;
  /** Nothing that EC2 has not told of can still come of the last launch. */
  readonly isAnswered: boolean;
  /** Milliseconds since the epoch: what is not seen from then on is not there. */
  readonly settledAt: number;
  /** Its groups were named by the user: other machines may be in them. */
  readonly sharesGroups: boolean;
}

function begun(context: Ec2Context): Begun {
  const { InstanceId, LaunchRefused, LastAskedAt = 0 } = context.config;
  return {
    known: recorded(context),
    isAnswered: InstanceId !== '' || LaunchRefused === true,
    settledAt: LastAskedAt + UNSEEN_MS,
    sharesGroups: (context.config.SecurityGroupNames ?? []).length > 0,
  };
}

/** Of a machine without a record: what is not to be seen today, the next gc finds. */
const FORGOTTEN: Begun = {
  known: { instances: [], keys: [], groups: [], spotRequests: [] },
  isAnswered: false,
  settledAt: 0,
  sharesGroups: false,
};

const joined = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

function together(a: Holdings, b: Holdings): Holdings {
  return {
    instances: joined(a.instances, b.instances),
    keys: joined(a.keys, b.keys),
    groups: joined(a.groups, b.groups),
    spotRequests: joined(a.spotRequests, b.spotRequests),
  };
}

/** Deletes all that was made for the machine, also of a create that was cut off; what is gone is fine. */
export async function removeMachineResources(context: Ec2Context): Promise<void> {
  // It never got as far as choosing a region, so nothing was made.
  if (context.config.Region === '') return;
  const { config, machine } = context;
  await withApi(context, async (api) => {
    // docker-machine knew a key pair by its name alone, and tagged nothing.
    if (!config.ExistingKey && config.KeyName !== '' && (config.KeyPairId ?? '') === '') {
      await deleteKeyNamed(api, config.KeyName);
    }
    await removeAll(api, context, machine.id, begun(context));
  });
}

/** The same for a machine whose record is lost: all that is known of it are its tags. */
export function removeResourcesOf(api: Ec2Api, context: Ec2Context, machineId: string): Promise<void> {
  return removeAll(api, context, machineId, FORGOTTEN);
}

/**
 * Removes and looks again, until nothing is seen any more, and nothing that was asked for a moment ago can still appear. A
 * group that is in use may be so by an instance that is not to be seen yet.
 */
async function removeAll(
  api: Ec2Api,
  context: Ec2Context,
  machineId: string,
  { known, isAnswered, settledAt, sharesGroups }: Begun,
): Promise<void> {
  const { clock, report, signal } = context;
  const seen = new Set<string>();
  const enough = Math.max(settledAt, clock.now()) + GROUP_MS;
  for (let attempt = 0; ; attempt += 1) {
    const found = await resourcesOf(api, machineId);
    const kept = await removeFound(api, context, together(known, found), settledAt);
    for (const id of idsOf(found)) seen.add(id);
    // The instance is asked for last: with its id on record, or refused, nothing is open, and what has been seen cannot
    // appear again.
    const isKnown = isAnswered && idsOf(known).every((id) => seen.has(id));
    const isQuiet = found.instances.length === 0 && (isKnown || clock.now() >= settledAt);
    const mayStay = sharesGroups || clock.now() >= enough;
    if (isQuiet && (kept.length === 0 || mayStay)) {
      for (const id of kept) report.info(`The security group ${id} stays: something else uses it.`);
      return;
    }
    await clock.sleep(pauseBefore(attempt), signal);
  }
}

const idsOf = ({ instances, keys, groups }: Holdings) => [...instances, ...keys, ...groups];

/** Gives the groups that something still uses. */
async function removeFound(
  api: Ec2Api,
  context: Ec2Context,
  found: Holdings,
  settledAt: number,
): Promise<readonly string[]> {
  for (const id of found.spotRequests) await cancelSpot(api, id);
  for (const id of found.instances) await terminate(api, context, id, settledAt);
  for (const id of found.keys) await deleteKey(api, id);
  const kept: string[] = [];
  for (const id of found.groups) if (!(await deleteGroup(api, id))) kept.push(id);
  return kept;
}

async function cancelSpot(api: Ec2Api, id: string): Promise<void> {
  await api
    .ask((ec2) => ec2.send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] })))
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
}

async function terminate(api: Ec2Api, context: Ec2Context, id: string, settledAt: number): Promise<void> {
  const { clock } = context;
  const send = () => api.ask((ec2) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  // An id that we were given just now may be unknown for some seconds, and must not be taken for gone.
  for (let attempt = 0; ; attempt += 1) {
    try {
      await send();
      break;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (clock.now() >= settledAt) return;
      await clock.sleep(pauseBefore(attempt), context.signal);
    }
  }
  await waitUntilTerminated(api, context, id);
}

/** Its group and its volume can go only with it. */
async function waitUntilTerminated(api: Ec2Api, context: Ec2Context, id: string): Promise<void> {
  const { clock, signal, machine } = context;
  const end = clock.now() + TERMINATE_MS;
  for (let attempt = 0; ; attempt += 1) {
    const state = (await findInstance(api, id))?.State?.Name;
    if (state === undefined || state === 'terminated') return;
    if (clock.now() > end) {
      throw ec2Error('MM_EC2_STATE', {
        message: `The instance ${id} is still ${state} after ${TERMINATE_MS / 60_000} minutes`,
        hint: `It may be protected from termination: see it in the EC2 console, then run "mymachine rm ${machine.name}" again.`,
      });
    }
    await clock.sleep(pauseBefore(Math.min(attempt, 3)), signal);
  }
}
