import type { Clock, Programs, Report } from '../../base/ports.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { readKnownHosts } from '../keys/host-keys.ts';
import { gatherIdentities } from '../keys/identities.ts';
import { readUserConfig } from '../system/user-config.ts';
import { checkTarget, describeTarget } from '../target.ts';
import { shakeHands } from './handshake.ts';
import { openRoute } from './route.ts';
import { Session } from './session.ts';

const KEEPALIVE_MS = 10_000;

export interface ConnectSettings {
  readonly programs: Programs;
  readonly clock: Clock;
  readonly report: Report;
  /** Value of SSH_AUTH_SOCK; '' when there is no agent. */
  readonly sshAuthSock: string;
  readonly homeDir: string;
  /** false: neither the user's ssh config nor the system's is read. */
  readonly useUserConfig: boolean;
  /** A config file in place of those; '' for those. */
  readonly userConfigPath?: string;
  /** How often a silent host is asked whether it lives; at the fourth question without an answer it is dead. Default 10 s. */
  readonly keepaliveMs?: number;
}

/** How far a connection has come, for the message when its time is over. */
export type ConnectStage = 'way' | 'greeting' | 'login';

/** One attempt to connect and log in. Has no deadline of its own; the signal breaks it off with its reason. */
export async function connect(
  target: SshTarget,
  settings: ConnectSettings,
  signal: AbortSignal,
  onStage: (stage: ConnectStage) => void,
): Promise<Session> {
  checkTarget(target);
  const { programs, homeDir, report } = settings;
  const configPath = settings.userConfigPath ?? '';
  const [config, known] = await Promise.all([
    settings.useUserConfig ? readUserConfig(target, { programs, homeDir, configPath, signal }) : undefined,
    readKnownHosts(target.knownHostsPath),
  ]);
  const identities = await gatherIdentities(target, config, settings);
  signal.throwIfAborted();
  onStage('way');
  const route = await openRoute(target, config, configPath, signal);
  report.debug(
    'ssh',
    `${describeTarget(target)}: connected${route.remoteAddress === '' ? ' through a proxy' : ''}`,
  );
  onStage('greeting');
  const client = await shakeHands(
    {
      ...{ target, route, known, identities, report },
      keepaliveMs: settings.keepaliveMs ?? KEEPALIVE_MS,
      onHostVerified: () => onStage('login'),
    },
    signal,
  );
  report.debug('ssh', `${describeTarget(target)}: logged in`);
  return new Session(client, target, route, settings.clock);
}

/** The time that was kept, and what it was waited for. */
export function connectTimeout(target: SshTarget, stage: ConnectStage, time: string): Error {
  const where = describeTarget(target);
  const text = {
    way: {
      said: `No answer from ${where}`,
      hint: 'Check the address, and whether a firewall drops packets to the SSH port.',
    },
    greeting: {
      said: `Something at ${where} takes connections but does not answer as an SSH server`,
      hint: 'The host may be overloaded or still booting, or the port may belong to another service: try again, or check the SSH port.',
    },
    login: {
      said: `${where} did not finish the login`,
      hint: 'The host may be overloaded, or its sshd waits for a name server: try again.',
    },
  }[stage];
  return sshError('MM_SSH_TIMEOUT', { message: `${text.said} within ${time}`, hint: text.hint });
}
