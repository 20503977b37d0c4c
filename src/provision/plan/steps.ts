import { createHash } from 'node:crypto';
import type { ProvisionInput } from '../contract.ts';
import {
  dropInPath,
  type EngineConfiguration,
  isOurDropIn,
  lateDropInPath,
  scopeDropIn,
  scopeDropInPath,
} from '../engine/configuration.ts';
import { daemonJsonPath } from '../engine/daemon-json.ts';
import { reloadableKeys, tlsPaths } from '../engine/options.ts';
import type { Facts } from '../host/facts.ts';
import { type HostRecord, type HostsLine, withOwnName, withoutOwnName } from '../host/record.ts';

/** What a step wants changed on the host. All steps' changes are made at once, by one script. */
export interface Change {
  readonly files?: readonly FileWrite[];
  readonly removals?: readonly string[];
  readonly hostname?: string;
  readonly hostsLine?: HostsLine | null;
  /** What the engine needs to take the change over. The strongest one of all steps is done. */
  readonly effect?: 'reload' | 'restart';
  /** systemd must read its units again. */
  readonly units?: boolean;
  readonly enable?: boolean;
  /** A user who is to be in the group docker. */
  readonly member?: string;
}

export interface FileWrite {
  readonly path: string;
  /** Octal, such as '0644'. 'keep' is owner and mode of what stands there, and 0644 for nothing. */
  readonly mode: string;
  readonly content: string;
}

export interface Situation {
  readonly facts: Facts;
  readonly input: Pick<ProvisionInput, 'machineName' | 'rename' | 'adopted' | 'engine' | 'tls'>;
  /** As whom we log in. */
  readonly loginUser: string;
  readonly record: HostRecord;
  readonly configuration: EngineConfiguration;
}

/** A thing that must hold on a host. `check` gives what to change, or undefined when it holds. */
export interface Step {
  readonly id: string;
  readonly check: (situation: Situation) => Change | undefined;
}

/** The host bears the machine's name. */
const hostname: Step = {
  id: 'hostname',
  check: ({ facts, input, record }) => {
    if (!input.rename || (input.adopted && record.original.hadEngine)) return undefined;
    const name = input.machineName;
    // 64 characters is what the kernel takes.
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/.test(name)) return undefined;
    const current = facts.files.get('hosts') ?? '';
    const hosts = withOwnName(withoutOwnName(current, record.hostsLine ?? undefined), name);
    const text = hosts?.text ?? withoutOwnName(current, record.hostsLine ?? undefined);
    if (facts.hostname === name && text === current) return undefined;
    return {
      ...(facts.hostname === name ? {} : { hostname: name }),
      hostsLine: hosts?.line ?? null,
      files: [
        ...(facts.hostname === name ? [] : [{ path: '/etc/hostname', mode: '0644', content: `${name}\n` }]),
        ...(text === current ? [] : [{ path: '/etc/hosts', mode: 'keep', content: text }]),
      ],
    };
  },
};

/** The engine's certificates are in place. */
const certificates: Step = {
  id: 'certificates',
  check: ({ facts, input }) => {
    if (input.engine.port === 0 || input.tls === undefined) return undefined;
    const wanted: readonly FileWrite[] = [
      { path: tlsPaths.ca, mode: '0644', content: input.tls.ca },
      { path: tlsPaths.cert, mode: '0644', content: input.tls.serverCert },
      { path: tlsPaths.key, mode: '0600', content: input.tls.serverKey },
    ];
    const files = wanted.filter(({ path, mode, content }) => {
      const there = facts.tls.get(path);
      const right = there?.sha256 === createHash('sha256').update(content).digest('hex');
      return !(right && there?.mode === mode.slice(1) && there.uid === '0');
    });
    // The engine reads its certificates when it starts, and at no other time.
    return files.length === 0 ? undefined : { files, effect: 'restart' };
  },
};

/** The login user may use the engine's socket, where that is the only way to it. */
const access: Step = {
  id: 'access',
  check: ({ facts, input, loginUser }) => {
    if (input.engine.port !== 0 || loginUser === 'root' || facts.groupMembers.includes(loginUser))
      return undefined;
    // The socket of an engine that was started before there was such a group belongs to root's.
    return { member: loginUser, ...(facts.hasGroup ? {} : { effect: 'restart' }) };
  },
};

/** daemon.json says what the machine wants. */
const configuration: Step = {
  id: 'configuration',
  check: ({ configuration: { changed, daemonJson } }) => {
    if (changed.length === 0) return undefined;
    const effect = changed.every((key) => reloadableKeys.has(key)) ? 'reload' : 'restart';
    if (daemonJson === undefined) return { removals: [daemonJsonPath], effect };
    return { files: [{ path: daemonJsonPath, mode: 'keep', content: daemonJson }], effect };
  },
};

/** The service's command line and environment fit. */
const unit: Step = {
  id: 'unit',
  check: ({ facts, configuration: { dropIn } }) => {
    const removals = facts.units
      .filter(
        ({ path, text }) =>
          path !== dropIn?.path &&
          (path === dropInPath || path === lateDropInPath || isOurDropIn(path, text)),
      )
      .map(({ path }) => path);
    const there = facts.units.find(({ path }) => path === dropIn?.path);
    const files =
      dropIn === undefined || there?.text === dropIn.text
        ? []
        : [{ path: dropIn.path, mode: '0644', content: dropIn.text }];
    return files.length + removals.length === 0
      ? undefined
      : { files, removals, units: true, effect: 'restart' };
  },
};

/** Containers that outlive the engine do not hold up a shutdown. */
const shutdown: Step = {
  id: 'shutdown',
  check: ({ facts, configuration: { config } }) => {
    const there = facts.files.get('scope-drop-in');
    if (config['live-restore'] !== true)
      return there === undefined ? undefined : { removals: [scopeDropInPath], units: true };
    if (there === scopeDropIn) return undefined;
    return { files: [{ path: scopeDropInPath, mode: '0644', content: scopeDropIn }], units: true };
  },
};

/** The engine runs, and will after a reboot. */
const service: Step = {
  id: 'service',
  check: ({ facts, input }) => {
    const { active, enabled } = facts.service;
    const listens = input.engine.port === 0 || facts.listeningPorts.has(input.engine.port);
    const effect = active && listens && !facts.pending ? undefined : ('restart' as const);
    if (enabled && effect === undefined) return undefined;
    return { ...(enabled ? {} : { enable: true }), ...(effect === undefined ? {} : { effect }) };
  },
};

/** In the order in which they are reported. The engine is installed before all of them. */
export const steps: readonly Step[] = [
  hostname,
  certificates,
  access,
  configuration,
  unit,
  shutdown,
  service,
];
