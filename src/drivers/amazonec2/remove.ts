import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { retry, waitFor } from '../../base/wait.ts';
import { type Ec2Api, withApi } from './api/api.ts';
import { isNotFound } from './api/failures.ts';
import { findInstance } from './api/find-instances.ts';
import { pauseBefore } from './api/pause.ts';
import type { Ec2Context } from './context.ts';
import { ec2Error } from './errors.ts';
import { deleteKey } from './instance/key-pair.ts';
import { cancelSpot } from './instance/spot.ts';
import { NOTHING, type Remains, recorded, remainsOf, together } from './leftovers.ts';
import { deleteGroup } from './network/security-group.ts';
import { usedByOthers } from './network/security-group-users.ts';

/** For how long what was asked for may stay unseen: what a create that was cut off made, and what it made a moment ago. */
const UNSEEN_MS = 30_000;
const TERMINATE_MS = 20 * 60_000;
/** How long what was deleted may still be shown, and a group be held by a network interface that is going. */
const LINGER_MS = 2 * 60_000;

/** What is known of a machine's remains besides what EC2 shows under its id. */
interface Begun {
  readonly known: Remains;
  /** Nothing that EC2 has not told of can still come of the last launch. */
  readonly isAnswered: boolean;
  /** Milliseconds since the epoch: what is not seen from then on is not there. */
  readonly settledAt: number;
  readonly mayBeSpot: boolean;
}

function begun(context: Ec2Context): Begun {
  const { InstanceId, LaunchRefused, LastAskedAt = 0 } = context.config;
  return {
    known: recorded(context),
    isAnswered: InstanceId !== '' || LaunchRefused === true,
    settledAt: LastAskedAt + UNSEEN_MS,
    mayBeSpot: context.config.RequestSpotInstance === true,
  };
}

/** Of a machine without a record: what is not to be seen today, the next gc finds. */
const FORGOTTEN: Begun = {
  known: NOTHING,
  isAnswered: false,
  settledAt: 0,
  mayBeSpot: true,
};

/** Deletes all that was made for the machine, also of a create that was cut off; what is gone is fine. */
export async function removeMachineResources(context: Ec2Context): Promise<void> {
  // It never got as far as choosing a region, so nothing was made.
  if (context.config.Region === '') return;
  await withApi(context, (api) => removeAll(api, context, context.machine.id, begun(context)));
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
  { known, isAnswered, settledAt, mayBeSpot }: Begun,
): Promise<void> {
  const { clock, report, signal } = context;
  const seen = new Set<string>();
  let end: number | undefined;
  const round = async () => {
    const found = await remainsOf(api, machineId, mayBeSpot);
    const kept = await removeFound(api, context, together(known, found), settledAt);
    for (const id of idsOf(found)) seen.add(id);
    // From when on the instance, which may take its time, is gone.
    end ??= Math.max(settledAt, clock.now()) + LINGER_MS;
    // The instance is asked for last: with its id on record, or refused, nothing is open, and what has been seen cannot
    // appear again.
    const isKnown = isAnswered && idsOf(known).every((id) => seen.has(id));
    // A request that was still open may have launched another instance until it was cancelled.
    const isEmpty = [found.instances, found.keys, found.spotRequests].every((each) => each.length === 0);
    const isQuiet = isEmpty && (isKnown || clock.now() >= settledAt);
    const isOver = clock.now() >= end;
    if (!isEmpty && isOver) throw stays(found);
    return isQuiet && (isOver || (await areOthers(api, machineId, kept))) ? kept : undefined;
  };
  const kept = await waitFor(round, { clock, signal, intervalMs: pauseBefore });
  for (const id of kept) report.info(`The security group ${id} stays: something else uses it.`);
}

/** Whether all of the groups are other machines' as well, the last of which takes them along. */
async function areOthers(api: Ec2Api, machineId: string, groups: readonly string[]): Promise<boolean> {
  const used = await usedByOthers(api, groups, () => machineId);
  return groups.every((id) => used.has(id));
}

/** Deleted again and again with success, and still there: better an error than a bill or a loop. */
function stays({ instances, keys, spotRequests }: Remains): Error {
  const what = [...instances, ...spotRequests, ...keys.map((name) => `the key pair ${name}`)].join(', ');
  return ec2Error('MM_EC2_STATE', {
    message: `EC2 says that it deleted ${what}, and goes on showing it`,
    hint: 'See it in the EC2 console; the same command may be run again.',
  });
}

const idsOf = ({ instances, keys, groups }: Remains) => [...instances, ...keys, ...groups];

/** Gives the groups that something still uses. */
async function removeFound(
  api: Ec2Api,
  context: Ec2Context,
  found: Remains,
  settledAt: number,
): Promise<readonly string[]> {
  for (const id of found.spotRequests) await cancelSpot(api, id);
  for (const id of found.instances) await terminate(api, context, id, settledAt);
  for (const id of found.keys) await deleteKey(api, id);
  const kept: string[] = [];
  for (const id of found.groups) if (!(await deleteGroup(api, id))) kept.push(id);
  return kept;
}

async function terminate(api: Ec2Api, context: Ec2Context, id: string, settledAt: number): Promise<void> {
  const { clock, signal } = context;
  const send = () => api.ask((ec2) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
  // An id that we were given just now may be unknown for some seconds, and must not be taken for gone.
  const wait = { clock, signal, timeoutMs: settledAt - clock.now(), intervalMs: pauseBefore };
  try {
    await retry(send, isNotFound, wait);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  await waitUntilTerminated(api, context, id);
}

/** Its group and its volume can go only with it. */
async function waitUntilTerminated(api: Ec2Api, context: Ec2Context, id: string): Promise<void> {
  const { clock, signal, machine } = context;
  let state: string | undefined;
  const isGone = async () => {
    state = (await findInstance(api, id))?.State?.Name;
    return state === undefined || state === 'terminated' || undefined;
  };
  const intervalMs = (attempt: number) => pauseBefore(Math.min(attempt, 3));
  if (await waitFor(isGone, { clock, signal, timeoutMs: TERMINATE_MS, intervalMs })) return;
  throw ec2Error('MM_EC2_STATE', {
    message: `The instance ${id} is still ${state} after ${TERMINATE_MS / 60_000} minutes`,
    hint: `It may be protected from termination: see it in the EC2 console, then run "mymachine rm ${machine.name}" again.`,
  });
}
