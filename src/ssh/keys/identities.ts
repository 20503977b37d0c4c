import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';
import { readBounded, textIfAny } from '../../base/files.ts';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import type { Clock } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { UserConfig } from '../system/user-config.ts';
import { type AgentKey, listAgent } from './agent.ts';
import { fromPkcs8 } from './ed25519.ts';
import { checkKeyFile, invalidKey, readKeyFile } from './private-key-file.ts';
import { blobOfLine, fingerprint, keyType } from './public-key.ts';

export type Identity =
  | { readonly kind: 'agent'; readonly key: AgentKey }
  | { readonly kind: 'file'; readonly path: string; readonly key: ParsedKey };

/** What to log in with. */
export interface Identities {
  /** In the order to try them. */
  readonly identities: readonly Identity[];
  /** Keys that are not tried, each with the reason, for the message when none is let in. */
  readonly leftOut: readonly string[];
  /** What ssh would log in with and ssh2 cannot, for messages. */
  readonly forSystem: readonly string[];
}

interface IdentitySource {
  readonly homeDir: string;
  /** Value of SSH_AUTH_SOCK; '' when there is no agent. */
  readonly sshAuthSock: string;
  readonly clock: Clock;
}

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk'];

/**
 * Gathers the keys to try. A key that the target names is tried alone. Otherwise they are what ssh
 * would try, in its order: the agent's that are files of the user's, too, the agent's others, then
 * the files.
 */
export async function gatherIdentities(
  target: SshTarget,
  config: UserConfig | undefined,
  source: IdentitySource,
): Promise<Identities> {
  const socket = agentSocket(config, source);
  const isExplicit = target.keyPath !== '';
  const paths = isExplicit
    ? [target.keyPath]
    : [...new Set(config?.identityFiles ?? DEFAULT_KEYS.map((name) => join(source.homeDir, '.ssh', name)))];
  const forSystem = [...(config?.beyondSsh2 ?? []), ...(await Promise.all(paths.map(beyondSsh2))).flat()];
  if (isExplicit) {
    // The path is checked all the same. ssh would only warn of it.
    if (forSystem.length > 0) await checkKeyFile(target.keyPath);
    const isToken = forSystem.includes(`${target.keyPath} (${SECURITY_KEY})`);
    const identity = isToken ? [] : [await explicitIdentity(target.keyPath, socket, source.clock)];
    return { identities: identity, leftOut: [], forSystem };
  }
  const [agent, files] = await Promise.all([
    listAgent(socket, source.clock),
    Promise.all(paths.map(readQuietly)),
  ]);
  const present = files.filter((file) => file !== undefined);
  const isFile = ({ blob }: AgentKey) => present.some(({ publicBlob }) => publicBlob?.equals(blob));
  const onlyFiles = config?.identitiesOnly === true;
  const others = onlyFiles ? [] : agent.keys.filter((key) => !isFile(key));
  const keys = [...agent.keys.filter(isFile), ...others];
  return {
    identities: [
      ...keys.map((key) => ({ kind: 'agent', key }) as const),
      ...present.flatMap(({ identity }) => identity ?? []),
    ],
    leftOut: [
      ...(agent.complaint === undefined ? [] : [agent.complaint]),
      ...present.flatMap(({ leftOut }) => leftOut ?? []),
    ],
    forSystem: [...forSystem, ...(onlyFiles ? [] : agent.unusable.map((type) => `agent key (${type})`))],
  };
}

const SECURITY_KEY = 'on a security key';

/** What the system's ssh finds in or beside a private key's file, and ssh2 does not. */
async function beyondSsh2(path: string): Promise<readonly string[]> {
  const certificate = `${path}-cert.pub`;
  const isThere = await stat(certificate).then(
    () => true,
    () => false,
  );
  const content = await readBounded(path).catch(() => undefined);
  const text = content?.toString('latin1') ?? '';
  const blob = publicHalf(text) ?? blobOfLine(text);
  const isToken = blob !== undefined && /^sk-/.test(keyType(blob));
  return [
    ...(isThere ? [`${certificate} (certificate)`] : []),
    ...(isToken ? [`${path} (${SECURITY_KEY})`] : []),
  ];
}

/** A key with a passphrase is used by way of the agent, if the agent holds that very key. */
async function explicitIdentity(path: string, socket: string, clock: Clock): Promise<Identity> {
  const parsed = parsePrivateKey(await readKeyFile(path));
  if (parsed.kind === 'usable') return { kind: 'file', path, key: parsed.key };
  if (parsed.kind === 'invalid') throw invalidKey(path, parsed.why);
  const blob = parsed.publicBlob ?? (await readPublicKey(`${path}.pub`));
  const agent = await listAgent(blob === undefined ? '' : socket, clock);
  const key = agent.keys.find((one) => blob !== undefined && one.blob.equals(blob));
  if (key !== undefined) return { kind: 'agent', key };
  const why = agent.complaint === undefined ? '' : `; not asked: ${agent.complaint}`;
  throw sshError('MM_SSH_KEY_ENCRYPTED', {
    message: `The SSH key ${path} is protected by a passphrase${why}`,
    hint: `Hand it to your SSH agent with "ssh-add ${path}".`,
  });
}

/** Whether an identity is of the public key. */
export function isKey(identity: Identity | undefined, blob: Buffer): boolean {
  return identity?.kind === 'file' && identity.key.getPublicSSH().equals(blob);
}

/** How messages name an identity. */
export function describeIdentity(identity: Identity): string {
  return identity.kind === 'agent'
    ? `agent key ${fingerprint(identity.key.blob)}`
    : `${identity.path} ${fingerprint(identity.key.getPublicSSH())}`;
}

interface KeyFile {
  readonly identity?: Identity;
  readonly publicBlob?: Buffer;
  readonly leftOut?: string;
}

/** Reads one of the user's own keys. As with ssh, a bad one is no error. undefined for none. */
async function readQuietly(path: string): Promise<KeyFile | undefined> {
  let parsed: PrivateKey;
  try {
    parsed = parsePrivateKey(await readKeyFile(path));
  } catch (error) {
    if (isMachineError(error, 'MM_SSH_KEY_PERMISSIONS')) return { leftOut: `${path} (permissions too open)` };
    // With IdentitiesOnly a public key alone picks one of the agent's.
    const publicBlob = await readPublicKey(`${path}.pub`);
    return publicBlob === undefined ? undefined : { publicBlob };
  }
  if (parsed.kind === 'usable') {
    return { identity: { kind: 'file', path, key: parsed.key }, publicBlob: parsed.publicBlob };
  }
  if (parsed.kind === 'invalid') {
    const publicBlob = await readPublicKey(path);
    return publicBlob === undefined ? { leftOut: `${path} (${parsed.why})` } : { publicBlob };
  }
  const publicBlob = parsed.publicBlob ?? (await readPublicKey(`${path}.pub`));
  const leftOut = `${path} (has a passphrase: ssh-add it)`;
  return publicBlob === undefined ? { leftOut } : { leftOut, publicBlob };
}

async function readPublicKey(path: string): Promise<Buffer | undefined> {
  return blobOfLine(await textIfAny(path));
}

function agentSocket(config: UserConfig | undefined, source: IdentitySource): string {
  if (config === undefined || config.identityAgent === '') return source.sshAuthSock;
  return config.identityAgent === 'none' ? '' : config.identityAgent;
}

/** The content of a private key file. An encrypted one of OpenSSH's shows its public half. */
export type PrivateKey =
  | { readonly kind: 'usable'; readonly key: ParsedKey; readonly publicBlob: Buffer }
  | { readonly kind: 'encrypted'; readonly publicBlob: Buffer | undefined }
  | { readonly kind: 'invalid'; readonly why: string };

export function parsePrivateKey(content: Buffer): PrivateKey {
  const text = content.toString('utf8').trim();
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text))
    return { kind: 'encrypted', publicBlob: undefined };
  try {
    const readable = text.startsWith('-----BEGIN PRIVATE KEY-----')
      ? fromPkcs8(text)
      : text.replace(/\r\n/g, '\n');
    // ssh2 gives a list of one for a file in OpenSSH's format, which its types leave out.
    const parsed: unknown = ssh2.utils.parseKey(readable);
    if (parsed instanceof Error) {
      return /encrypted/i.test(parsed.message)
        ? { kind: 'encrypted', publicBlob: publicHalf(text) }
        : { kind: 'invalid', why: printable(parsed.message, 200) };
    }
    const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey;
    if (!key.isPrivateKey()) return { kind: 'invalid', why: 'it is a public key' };
    return { kind: 'usable', key, publicBlob: key.getPublicSSH() };
  } catch (error) {
    return { kind: 'invalid', why: printable(messageOf(error), 200) };
  }
}

/** Reads the public key, which a file of OpenSSH's format (PROTOCOL.key) has unencrypted. */
function publicHalf(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+)-----END/.exec(text)?.[1];
  const bytes = Buffer.from(body ?? '', 'base64');
  const strings: Buffer[] = [];
  // Behind the magic: cipher, kdf, kdf options, number of keys (4 bytes), public key.
  for (let at = 15; strings.length < 4 && at + 4 <= bytes.length; ) {
    const start = (strings.length === 3 ? at + 4 : at) + 4;
    if (start > bytes.length) return undefined;
    const end = start + bytes.readUInt32BE(start - 4);
    strings.push(bytes.subarray(start, end));
    at = end;
  }
  const blob = strings[3];
  return blob !== undefined && keyType(blob) !== '' ? blob : undefined;
}

/** The line for authorized_keys of a private key file, also of one in PEM. It has no passphrase. */
export async function publicKeyOf(privateKeyPath: string, comment = ''): Promise<string> {
  const parsed = parsePrivateKey(await readKeyFile(privateKeyPath));
  if (parsed.kind === 'usable') {
    const text = `${parsed.key.type} ${parsed.publicBlob.toString('base64')}`;
    return comment === '' ? text : `${text} ${comment}`;
  }
  throw parsed.kind === 'encrypted'
    ? sshError('MM_SSH_KEY_ENCRYPTED', {
        message: `The SSH key ${privateKeyPath} is protected by a passphrase`,
        hint: `Write its public half beside it with "ssh-keygen -y -f ${privateKeyPath} > ${privateKeyPath}.pub".`,
      })
    : invalidKey(privateKeyPath, parsed.why);
}
