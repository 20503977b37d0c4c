import { userInfo } from 'node:os';
import { join } from 'node:path';
import { isMachineError } from '../../base/machine-error.ts';
import type { Programs } from '../../base/ports.ts';
import { lastLines } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';

/** The settings of a host in the user's ssh config that matter to us. */
export interface UserConfig {
  readonly hostName: string;
  /** '' when there is none. */
  readonly hostKeyAlias: string;
  readonly user: string;
  readonly port: number;
  /** Paths separated by blanks. */
  readonly knownHostsFiles: string;
  /** The same for all users of this computer. */
  readonly globalKnownHostsFiles: string;
  /** `yes`, `ask`, `accept-new` or `no`. */
  readonly strictHostKeyChecking: string;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** What the config asks for and the system's ssh alone can do, for messages. */
  readonly beyondSsh2: readonly string[];
  /** Settings that our own use of ssh turns off, of which old versions know nothing. */
  readonly turnedOff: Readonly<Record<string, string>>;
  /** Separated by commas. '' when it is not told. */
  readonly hostKeyAlgorithms: string;
  /** Files of keys, or KRLs of ssh-keygen(1), that no host may show. */
  readonly revokedHostKeys: readonly string[];
  /** '' for $SSH_AUTH_SOCK, 'none' for no agent, else a socket's path. */
  readonly identityAgent: string;
  /** `[user@]host[:port],…` or `ssh://…`. '' for none. */
  readonly proxyJump: string;
  /** The user's own shell text with OpenSSH's % tokens. '' for none. */
  readonly proxyCommand: string;
}

export interface UserConfigSource {
  readonly programs: Programs;
  readonly homeDir: string;
  /** A config file in place of the user's and the system's; '' for those. */
  readonly configPath: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks the system's `ssh -G`, so that Include, Match and the rest mean what they mean to ssh.
 * Port and user win over the config. For port 0 and user '' its own are told, or 22 and ''.
 * @returns undefined when there is no ssh on this computer.
 * @throws MM_SSH_CONFIG when ssh refuses the config.
 */
export async function readUserConfig(
  target: Pick<SshTarget, 'host' | 'port' | 'user'>,
  source: UserConfigSource,
): Promise<UserConfig | undefined> {
  const file = source.configPath === '' ? [] : ['-F', source.configPath];
  const who = [
    ...(target.port === 0 ? [] : ['-p', String(target.port)]),
    ...(target.user === '' ? [] : ['-l', target.user]),
  ];
  try {
    const ran = await source.programs.run(['ssh', '-G', ...file, ...who, target.host], {
      input: '',
      timeoutMs: 10_000,
      signal: source.signal,
      maxOutputBytes: 1024 * 1024,
    });
    if (ran.exitCode === 0) {
      const config = parseUserConfig(ran.stdout, target, source.homeDir);
      // Where the config names no user, ssh says who we are.
      return target.user === '' && config.user === userInfo().username ? { ...config, user: '' } : config;
    }
    throw sshError('MM_SSH_CONFIG', {
      message: `The system's ssh does not accept your ssh config for ${target.host}`,
      hint: `Correct the config file until "ssh -G ${target.host}" works.`,
      details: lastLines(ran.stderr, 5),
    });
  } catch (error) {
    if (isMachineError(error, 'MM_PROGRAM_MISSING')) return undefined;
    throw error;
  }
}

/** ssh prints some values under another name. */
const STRICTNESS: Readonly<Record<string, string>> = { true: 'yes', false: 'no', off: 'no' };

/** Reads the output of `ssh -G`: each line is a lower-case keyword and its value. */
export function parseUserConfig(
  text: string,
  target: Pick<SshTarget, 'host' | 'port' | 'user'>,
  homeDir: string,
): UserConfig {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const gap = line.indexOf(' ');
    if (gap < 1) continue;
    const keyword = line.slice(0, gap).toLowerCase();
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(gap + 1).trim()]);
  }
  const one = (keyword: string): string => values.get(keyword)?.[0] ?? '';
  const all = (keyword: string): string[] =>
    (values.get(keyword) ?? []).filter((value) => value !== 'none' && value !== '');
  const unlessNone = (value: string): string => (value === 'none' ? '' : value);
  const hostName = one('hostname') || target.host;
  const path = (value: string): string => expandPath(value, { ...target, host: hostName }, homeDir);
  const agent = one('identityagent');
  return {
    hostName,
    hostKeyAlias: one('hostkeyalias'),
    user: one('user'),
    port: Number(one('port')) || target.port || 22,
    knownHostsFiles: path(one('userknownhostsfile')),
    globalKnownHostsFiles: path(one('globalknownhostsfile')),
    strictHostKeyChecking: STRICTNESS[one('stricthostkeychecking')] ?? one('stricthostkeychecking'),
    identityFiles: all('identityfile').map(path),
    identitiesOnly: one('identitiesonly') === 'yes',
    beyondSsh2: [
      ...all('certificatefile').map((value) => `${path(value)} (certificate)`),
      ...all('pkcs11provider').map((value) => `${path(value)} (PKCS11Provider)`),
      ...['bindaddress', 'bindinterface'].flatMap((keyword) => (all(keyword).length > 0 ? [keyword] : [])),
      ...(/^inet/.test(one('addressfamily')) ? ['addressfamily'] : []),
      ...(one('hostbasedauthentication') === 'yes' ? ['hostbasedauthentication'] : []),
    ],
    turnedOff: {
      ...(one('forkafterauthentication') === 'yes' ? { ForkAfterAuthentication: 'no' } : {}),
      ...(all('knownhostscommand').length > 0 ? { KnownHostsCommand: 'none' } : {}),
    },
    hostKeyAlgorithms: one('hostkeyalgorithms'),
    revokedHostKeys: all('revokedhostkeys').map(path),
    identityAgent:
      agent === 'SSH_AUTH_SOCK' || agent === '$SSH_AUTH_SOCK' ? '' : agent === 'none' ? agent : path(agent),
    proxyJump: unlessNone(one('proxyjump')),
    proxyCommand: unlessNone(one('proxycommand')),
  };
}

/**
 * Replaces the tokens %h, %p, %r, %n and %% of ssh_config(5), and the further ones. An unknown
 * token stays as it is.
 */
export function expandTokens(
  text: string,
  target: Pick<SshTarget, 'host' | 'port' | 'user'>,
  further: Readonly<Record<string, string>> = {},
): string {
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    h: target.host,
    p: String(target.port),
    r: target.user,
    n: target.host,
    ...further,
  };
  return text.replace(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole);
}

function expandPath(
  value: string,
  target: Pick<SshTarget, 'host' | 'port' | 'user'>,
  homeDir: string,
): string {
  const home = value === '~' || value.startsWith('~/') ? join(homeDir, value.slice(1)) : value;
  return expandTokens(home, target, { d: homeDir });
}
