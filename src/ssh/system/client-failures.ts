import type { Programs } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import { sshError } from '../errors.ts';
import { authFailure, connectTimeout, type Login, lostFailure, networkFailure } from '../session/failures.ts';
import { describeTarget } from '../target.ts';
import type { ClientEnded, SystemCall } from './client.ts';
import { clientArgv } from './openssh.ts';

/** The words of ssh for errors of a socket. */
const NETWORK: readonly (readonly [RegExp, string])[] = [
  [/Could not resolve hostname/, 'ENOTFOUND'],
  [/Connection refused/, 'ECONNREFUSED'],
  [/No route to host/, 'EHOSTUNREACH'],
  [/Network is unreachable|Cannot assign requested address|Permission denied$/, 'ENETUNREACH'],
];

/** What a host and ssh may fail to agree on, and where `ssh -G` lists what ssh has. */
const NO_SHARED: readonly (readonly [RegExp, string, string])[] = [
  [/no matching key exchange method/, 'key exchange algorithm', 'KexAlgorithms'],
  [/no matching cipher/, 'cipher', 'Ciphers'],
  [/no matching MAC/, 'MAC', 'MACs'],
  [/no matching host key type/, 'type of host key', 'HostKeyAlgorithms'],
];

/** Whether ssh has ended because it does not accept the host's key. */
export function isAboutHostKey({ log }: ClientEnded): boolean {
  return !log.hasMet && /Host key verification failed|host key for .* has changed/i.test(log.said);
}

/** Says what the end of the system's ssh before the end of a login means. */
export async function clientFailure(
  ended: ClientEnded,
  call: SystemCall,
  programs: Programs,
  leftOut: readonly string[],
): Promise<Error> {
  const { target, config } = call;
  const { said, hasMet, offered, stage } = ended.log;
  const last = lastLines(said, 5);
  const login: Login = {
    target,
    route: {
      isProxy: config !== undefined && `${config.proxyJump}${config.proxyCommand}` !== '',
      complaint: () => last,
    },
    identities: { identities: [], leftOut, forSystem: [] },
  };
  if (hasMet && /Too many authentication failures/.test(said)) return authFailure(login, offered, true);
  if (hasMet && /Permission denied \(/.test(said)) return authFailure(login, offered, false);
  const [, kind, theirs] = /no matching (.*) found\. Their offer: (.*)$/m.exec(said) ?? [];
  if (kind !== undefined) return noShared(`no matching ${kind}`, theirs ?? '', call, programs, ended);
  if (/^.*(?:Bad configuration option|terminating, \d+ bad configuration)/m.test(said)) {
    return sshError('MM_SSH_CONFIG', {
      message: `The system's ssh does not accept what it is told for ${target.host}`,
      hint: `Correct the config file until "ssh -G ${target.host}" works. OpenSSH 7.6 or newer is needed.`,
      details: last,
    });
  }
  if (login.route.isProxy && !hasMet) return lostFailure(login, ended, false);
  if (/timed out/.test(said)) return connectTimeout(target, stage, 'the time of the system');
  const network = NETWORK.find(([words]) => words.test(said));
  if (network !== undefined && stage === 'way') {
    return networkFailure(
      Object.assign(new Error(ended.message, { cause: ended }), { code: network[1] }),
      target,
    );
  }
  return lostFailure(login, ended, hasMet);
}

async function noShared(
  what: string,
  theirs: string,
  call: SystemCall,
  programs: Programs,
  cause: ClientEnded,
): Promise<Error> {
  const { target, configArgs, signal } = call;
  const [, name = 'algorithm', keyword = ''] = NO_SHARED.find(([words]) => words.test(what)) ?? [];
  const argv = clientArgv(target, ['-G', ...configArgs], {});
  const asked = await programs.run(argv, { timeoutMs: 10_000, signal }).catch(() => undefined);
  const [, ours = 'others'] = new RegExp(`^${keyword} (.*)$`, 'im').exec(asked?.stdout ?? '') ?? [];
  return sshError('MM_SSH_PROTOCOL', {
    message: printable(
      `${describeTarget(target)} has no ${name} in common with us: it has ${theirs}; ssh here has ${ours}`,
      1500,
    ),
    hint: `Allow one of the host's in your ssh config for ${target.host} with the line "${keyword} +NAME", or one of ours in the sshd_config of ${target.machineName}.`,
    cause,
  });
}
