import type { JsonObject } from '../../base/json.ts';
import { daemonJsonPath, type EngineConfiguration, parsedDaemonJson } from '../engine/configuration.ts';
import { daemonJsonText } from '../engine/daemon-config.ts';
import { provisionError } from '../errors.ts';
import type { Facts } from '../host/facts.ts';
import { type ManagedState, managedPath, managedText } from '../host/managed-state.ts';
import type { Commit } from './commit.ts';
import { type Change, type FileWrite, type Situation, steps } from './steps.ts';

export interface Plan {
  /** Ids of the steps that find something to change. */
  readonly changed: readonly string[];
  readonly commit: Commit;
  /** Running containers will not survive: their number, and why. */
  readonly endangered: { readonly count: number; readonly why: string } | undefined;
}

/** Asks every step and makes one commit of what they want; undefined when the host is as it should be. */
export function planChanges(situation: Situation): Plan | undefined {
  const { facts, configuration, wish } = situation;
  const wanted = steps.flatMap((step) => {
    const change = step.check(situation);
    return change === undefined ? [] : [{ id: step.id, change }];
  });
  const changes = wanted.map(({ change }) => change);
  const state = newState(situation, changes);
  const stateText = managedText(state);
  // Another machine's name, or settings that turned out to be the user's own: worth a commit, but no change of the host.
  if (wanted.length === 0 && stateText === facts.files.get('managed.json')) return undefined;
  const effects = new Set(changes.map(({ effect }) => effect));
  const effect = effects.has('restart') ? 'restart' : effects.has('reload') ? 'reload' : 'none';
  const containers = effect === 'restart' ? careForContainers(facts, configuration) : {};
  const files: FileWrite[] = [{ path: managedPath, mode: '0600', content: stateText }];
  for (const file of changes.flatMap((change) => change.files ?? [])) {
    const transitional = file.path === daemonJsonPath ? containers.meanwhile : undefined;
    files.push(transitional === undefined ? file : { ...file, content: transitional });
  }
  if (containers.meanwhile !== undefined && !files.some(({ path }) => path === daemonJsonPath)) {
    files.push({ path: daemonJsonPath, mode: 'keep', content: containers.meanwhile });
  }
  return {
    changed: wanted.map(({ id }) => id),
    endangered: containers.endangered,
    commit: {
      expect: facts.fingerprint,
      files,
      removals: changes.flatMap((change) => change.removals ?? []),
      hostname: changes.find(({ hostname }) => hostname !== undefined)?.hostname,
      member: changes.find(({ member }) => member !== undefined)?.member,
      units: changes.some(({ units }) => units === true),
      effect,
      enable: changes.some(({ enable }) => enable === true) ? true : undefined,
      port: effect === 'restart' ? wish.engine.port : 0,
      beforehand: containers.beforehand,
      afterwards: containers.afterwards,
      mode: 'keep',
    },
  };
}

function newState({ managed, configuration, wish }: Situation, changes: readonly Change[]): ManagedState {
  const hostsLine = changes.find((change) => change.hostsLine !== undefined)?.hostsLine;
  return {
    ...managed,
    machine: wish.machineName,
    daemon: configuration.owned,
    hostsLine: hostsLine === undefined ? managed.hostsLine : hostsLine,
  };
}

interface ContainerCare {
  /** daemon.json that the running engine is given before its restart, so that it lets its containers live. */
  readonly beforehand?: string;
  /** daemon.json for the restart itself, and what follows it, when the user wants no live-restore. */
  readonly meanwhile?: string;
  readonly afterwards?: string;
  readonly endangered?: { readonly count: number; readonly why: string };
}

/** How containers survive a restart: the old engine must leave them alone, and the new one must take them over. */
function careForContainers(facts: Facts, configuration: EngineConfiguration): ContainerCare {
  const count = facts.running;
  if (!facts.service.active || count === 0) return {};
  const live = (config: JsonObject) => daemonJsonText({ ...config, 'live-restore': true }, undefined);
  if (facts.inSwarm)
    return { endangered: { count, why: 'an engine in a swarm cannot keep containers while it restarts' } };
  if (configuration.liveRestoreFixed) {
    if (facts.engine?.liveRestore === true) return {};
    return { endangered: { count, why: "the engine's command line switches live-restore off" } };
  }
  const current = parsedDaemonJson(facts.files.get('daemon.json'));
  const beforehand = facts.engine?.liveRestore === true ? {} : { beforehand: live(current) };
  if (configuration.config['live-restore'] === true) return beforehand;
  const final = configuration.daemonJson ?? daemonJsonText({}, undefined);
  return { ...beforehand, meanwhile: live(configuration.config), afterwards: final };
}

/** Room that installing and configuring take, so that a full disk is met before anything is changed. In KiB. */
export function checkDisks(facts: Facts, installs: boolean): void {
  const needed = installs
    ? { '/usr': 600 * 1024, '/var': 300 * 1024, '/etc': 1024 }
    : { '/usr': 0, '/var': 1024, '/etc': 1024 };
  for (const [path, kib] of Object.entries(needed)) {
    const mount = [...facts.disks.keys()]
      .filter((one) => one === '/' || path === one || path.startsWith(`${one}/`))
      .sort((a, b) => b.length - a.length)[0];
    const free = mount === undefined ? undefined : facts.disks.get(mount);
    if (mount === undefined || free === undefined || free >= kib) continue;
    throw provisionError('MM_PROVISION_DISK_FULL', {
      message: `The host has too little free disk space: ${Math.floor(free / 1024)} MiB on ${mount}, where ${Math.ceil(kib / 1024)} MiB are needed. Nothing was changed.`,
      hint: 'Free some on the host (`df -h` shows where), then run the command again.',
    });
  }
}
