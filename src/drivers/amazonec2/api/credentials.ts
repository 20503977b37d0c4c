import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import { readText } from '../../../base/files.ts';
import { printable } from '../../../base/printable.ts';
import type { Ec2Context } from '../context.ts';
import { ec2Error } from '../errors.ts';

/** Values of an access key, a secret key and a session token; '' for none. */
type Keys = readonly [access: string, secret: string, token: string];

const OPTIONS = ['--amazonec2-access-key', '--amazonec2-secret-key', '--amazonec2-session-token'];
const RECORDED = ['AccessKey', 'SecretKey', 'SessionToken'];
const VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
const SETTINGS = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];

/**
 * Keys that were given, or stand in a record of docker-machine. undefined leaves it to the SDK.
 * The SDK passes over a source that has half a pair, and takes another account's from the next.
 * So each source that it would ask must have a whole pair, or none.
 * @throws MM_EC2_CREDENTIALS
 */
export async function givenCredentials(context: Ec2Context): Promise<EC2ClientConfig['credentials']> {
  const { config, secret } = context;
  const options: Keys = [
    await secret('amazonec2-access-key'),
    await secret('amazonec2-secret-key'),
    await secret('amazonec2-session-token'),
  ];
  const recorded: Keys = [config.AccessKey ?? '', config.SecretKey ?? '', config.SessionToken ?? ''];
  for (const [keys, names, where] of [
    [options, OPTIONS, 'among the options'],
    [recorded, RECORDED, "in the machine's record"],
  ] as const) {
    if (!isWhole(keys, names, where)) continue;
    const [accessKeyId, secretAccessKey, sessionToken] = keys;
    return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
  }
  const variable = (name: string) => context.variable?.(name) ?? '';
  const named = config.Profile || variable('AWS_PROFILE');
  // With a profile that is named the SDK reads no keys of the environment.
  if (named === '' && isEnvironmentWhole(variable)) return undefined;
  await checkProfiles(named, variable);
  return undefined;
}

const isEnvironmentWhole = (variable: (name: string) => string): boolean => {
  const [access = '', secret = '', token = ''] = VARIABLES.map(variable);
  return isWhole([access, secret, token], VARIABLES, 'in the environment');
};

/** Whether a source has a pair. Throws for half of one, and for a token that belongs to none. */
function isWhole(keys: Keys, names: readonly string[], where: string): boolean {
  const given = names.filter((_, index) => keys[index] !== '');
  const lacking = names.slice(0, 2).filter((_, index) => keys[index] === '');
  if (given.length === 0 || lacking.length === 0) return given.length > 0;
  throw ec2Error('MM_EC2_CREDENTIALS', {
    message: `Half of a key pair is of no use: ${given.join(' and ')} without ${lacking.join(' and ')} ${where}`,
    hint: 'Both keys come from one source: options, environment or profile. Give both there, or neither to use the next.',
  });
}

/** The profile that the SDK takes, and those that it leads to for the keys of a role. */
async function checkProfiles(named: string, variable: (name: string) => string): Promise<void> {
  const profiles = await readProfiles(variable);
  if (named !== '' && named !== 'default' && !profiles.has(named)) {
    throw ec2Error('MM_EC2_CREDENTIALS', {
      message: `There is no profile "${printable(named, 60)}" in the configuration of AWS`,
      hint: '"aws configure list-profiles" shows which there are.',
    });
  }
  const seen = new Set<string>();
  for (let name = named || 'default'; name !== '' && !seen.has(name); ) {
    seen.add(name);
    const profile = profiles.get(name);
    const [access = '', secret = '', token = ''] = SETTINGS.map((key) => profile?.get(key) ?? '');
    isWhole([access, secret, token], SETTINGS, `in the profile "${printable(name, 60)}"`);
    if (profile?.get('credential_source') === 'Environment') isEnvironmentWhole(variable);
    name = profile?.get('source_profile') ?? '';
  }
}

type Profiles = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What the SDK reads: both files, of which the one with the credentials counts more. */
async function readProfiles(variable: (name: string) => string): Promise<Profiles> {
  const profiles = new Map<string, Map<string, string>>();
  const files = [
    ['AWS_CONFIG_FILE', 'config', /^(?:profile\s+)(["']?)(.+)\1$|^(default)$/],
    ['AWS_SHARED_CREDENTIALS_FILE', 'credentials', /^()(.+)$/],
  ] as const;
  for (const [name, file, section] of files) {
    const path = variable(name) || join(homedir(), '.aws', file);
    // What cannot be read here, the SDK tells.
    const text = await readText(path).catch(() => undefined);
    let profile: Map<string, string> | undefined;
    for (const line of (text ?? '').split(/\r?\n/)) {
      const content = line.replace(/(?:^|\s)[;#].*$/, '').trim();
      const header = /^\[(.*)\]$/.exec(content)?.[1]?.trim();
      if (header !== undefined) {
        const [, , name, other] = section.exec(header) ?? [];
        const own = name ?? other;
        profile = own === undefined ? undefined : (profiles.get(own) ?? new Map());
        if (own !== undefined && profile !== undefined) profiles.set(own, profile);
      } else {
        const [, key, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(content) ?? [];
        // What is indented belongs to the setting above, such as "s3 =".
        if (key !== undefined && value !== undefined && !/^\s/.test(line)) profile?.set(key, value);
      }
    }
  }
  return profiles;
}
