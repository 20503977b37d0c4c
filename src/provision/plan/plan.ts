import type { JsonObject } from '../../base/json.ts';
import type { EngineConfiguration } from '../engine/configuration.ts';
import { daemonJsonPath, daemonJsonText, parseDaemonJson } from '../engine/daemon-json.ts';
import type { Facts } from '../host/facts.ts';
import { type HostRecord, recordPath, recordText } from '../host/record.ts';
import type { Commit } from './commit.ts';
import { type Change, type FileWrite, type Situation, steps } from './steps.ts';

export interface Plan {
  /** Ids of the steps that find something to change. */
  readonly changed: readonly string[];
  readonly commit: Commit;
  /** Running containers will not survive: their number, and why. */
  readonly endangered: { readonly count: number; readonly why: string } | undefined;
}

/** Makes one commit of what all steps want. undefined when the host is as it should be. */
export function planChanges(situation: Situation): Plan | undefined {
  const { facts, configuration, input } = situation;
  const wanted = steps.flatMap((step) => {
    const change = step.check(situation);
    return change === undefined ? [] : [{ id: step.id, change }];
  });
  const changes = wanted.map(({ change }) => change);
  const record = nextRecord(situation, changes);
  const text = recordText(record);
  // Worth a commit, too: another machine's name, settings that turn out to be the user's own.
  if (wanted.length === 0 && text === facts.files.get('managed.json')) return undefined;
  const effects = new Set(changes.map(({ effect }) => effect));
  const effect = effects.has('restart') ? 'restart' : effects.has('reload') ? 'reload' : 'none';
  const containers = effect === 'restart' ? careForContainers(facts, configuration) : {};
  const files: FileWrite[] = [{ path: recordPath, mode: '0600', content: text }];
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
      port: effect === 'restart' ? input.engine.port : 0,
      beforehand: containers.beforehand,
      afterwards: containers.afterwards,
      inTheEnd: containers.inTheEnd,
      endsLiveRestore:
        configuration.config['live-restore'] === undefined &&
        (containers.meanwhile !== undefined || facts.engine?.liveRestore === true),
      mode: 'keep',
    },
  };
}

function nextRecord({ record, configuration, input }: Situation, changes: readonly Change[]): HostRecord {
  const hostsLine = changes.find((change) => change.hostsLine !== undefined)?.hostsLine;
  return {
    ...record,
    machine: input.machineName,
    daemon: configuration.owned,
    hostsLine: hostsLine === undefined ? record.hostsLine : hostsLine,
  };
}

interface ContainerCare {
  /** daemon.json with which the running engine, before its restart, lets its containers live. */
  readonly beforehand?: string;
  /** daemon.json for the restart, and the one after it, unless the user wants live-restore. */
  readonly meanwhile?: string;
  readonly afterwards?: string;
  readonly inTheEnd?: string;
  readonly endangered?: { readonly count: number; readonly why: string };
}

/** The old engine must leave the containers alone in a restart, and the new one take them over. */
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
  const current = parseDaemonJson(facts.files.get('daemon.json'));
  const beforehand = facts.engine?.liveRestore === true ? {} : { beforehand: live(current) };
  if (configuration.config['live-restore'] === true) return beforehand;
  const meanwhile = live(configuration.config);
  const final = configuration.daemonJson;
  if (final !== undefined) return { ...beforehand, meanwhile, afterwards: final };
  return { ...beforehand, meanwhile, afterwards: daemonJsonText({}, undefined), inTheEnd: '' };
}
