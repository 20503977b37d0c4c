import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseAgent, IdentityCallback, ParsedKey, PublicKeyEntry } from 'ssh2';
import ssh2 from 'ssh2';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { UserConfig } from '../system/user-config.ts';
import { fromPkcs8 } from './ed25519.ts';
import { invalidKey, readKeyFile } from './private-key-file.ts';
import { blobOfLine, keyType } from './public-key.ts';

export type Identity =
  | { readonly kind: 'agent'; readonly agent: ChosenKeysAgent }
  | { readonly kind: 'file'; readonly path: string; readonly key: ParsedKey };

/** What to log in with. */
export interface Identities {
  /** In the order to try them. */
  readonly identities: readonly Identity[];
  /** Keys that are not tried, each with the reason, for the message when none is let in. */
  readonly leftOut: readonly string[];
}

interface IdentitySource {
  readonly homeDir: string;
  /** Value of SSH_AUTH_SOCK; '' when there is no agent. */
  readonly sshAuthSock: string;
}

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/**
 * Gathers the keys to try. A key that the target names is tried alone. Otherwise they are what ssh
 * would try: the agent's, then the user's key files.
 */
export async function gatherIdentities(
  target: SshTarget,
  config: UserConfig | undefined,
  source: IdentitySource,
): Promise<Identities> {
  const socket = agentSocket(config, source);
  if (target.keyPath !== '') {
    return { identities: [await explicitIdentity(target.keyPath, socket)], leftOut: [] };
  }
  const paths = config?.identityFiles ?? DEFAULT_KEYS.map((name) => join(source.homeDir, '.ssh', name));
  const files = await Promise.all([...new Set(paths)].map(readQuietly));
  const present = files.filter((file) => file !== undefined);
  const wanted =
    config?.identitiesOnly === true ? present.flatMap(({ publicBlob }) => publicBlob ?? []) : undefined;
  const agent: readonly Identity[] =
    socket === '' ? [] : [{ kind: 'agent', agent: new ChosenKeysAgent(socket, wanted) }];
  return {
    identities: [...agent, ...present.flatMap(({ identity }) => identity ?? [])],
    leftOut: present.flatMap(({ leftOut }) => leftOut ?? []),
  };
}

/** A key with a passphrase is used by way of the agent, if the agent holds that very key. */
async function explicitIdentity(path: string, socket: string): Promise<Identity> {
  const parsed = parsePrivateKey(await readKeyFile(path));
  if (parsed.kind === 'usable') return { kind: 'file', path, key: parsed.key };
  if (parsed.kind === 'invalid') throw invalidKey(path, parsed.why);
  const blob = parsed.publicBlob ?? (await readPublicKey(`${path}.pub`));
  if (socket !== '' && blob !== undefined) {
    const agent = new ChosenKeysAgent(socket, [blob]);
    if (await agent.holdsWantedKey()) return { kind: 'agent', agent };
  }
  throw sshError('MM_SSH_KEY_ENCRYPTED', {
    message: `The SSH key ${path} is protected by a passphrase`,
    hint: `Hand it to your SSH agent with "ssh-add ${path}".`,
  });
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
  return blobOfLine(await readFile(path, 'utf8').catch(() => ''));
}

function agentSocket(config: UserConfig | undefined, source: IdentitySource): string {
  if (config === undefined || config.identityAgent === '') return source.sshAuthSock;
  return config.identityAgent === 'none' ? '' : config.identityAgent;
}

type AgentKey = string | Buffer | ParsedKey;

/**
 * An SSH agent of which only the `wanted` keys are offered to a host, or all without `wanted`.
 * The host counts every other key that it is offered as a failed login.
 */
class ChosenKeysAgent extends ssh2.BaseAgent<AgentKey> {
  /** The public keys that were offered to the host. */
  readonly offered: Buffer[] = [];
  readonly #inner: BaseAgent<AgentKey>;
  readonly #wanted: readonly Buffer[] | undefined;

  constructor(socketPath: string, wanted: readonly Buffer[] | undefined) {
    super();
    this.#inner = ssh2.createAgent(socketPath);
    this.#wanted = wanted;
  }

  override getIdentities(callback: IdentityCallback<AgentKey>): void {
    this.#inner.getIdentities((error, keys) => {
      if (error) return callback(error);
      const chosen = (keys ?? []).filter((key) => {
        const blob = publicBlob(key);
        return blob !== undefined && (this.#wanted?.some((one) => one.equals(blob)) ?? true);
      });
      this.offered.splice(0, this.offered.length, ...chosen.flatMap((key) => publicBlob(key) ?? []));
      callback(undefined, chosen);
    });
  }

  /** Whether the agent answers and holds any of the wanted keys. */
  holdsWantedKey(): Promise<boolean> {
    return new Promise((resolve) => {
      this.getIdentities((_error, keys) => resolve((keys ?? []).length > 0));
    });
  }

  override sign(...args: unknown[]): void {
    // The third argument is options (the RSA hash) or the callback.
    Reflect.apply(this.#inner.sign, this.#inner, args);
  }
}

function publicBlob(key: AgentKey | PublicKeyEntry): Buffer | undefined {
  const bare = typeof key === 'object' && 'pubKey' in key ? key.pubKey : key;
  const parsed = ssh2.utils.parseKey(
    typeof bare === 'object' && 'pubKey' in bare ? (bare.pubKey as AgentKey) : (bare as AgentKey),
  );
  return parsed instanceof Error ? undefined : parsed.getPublicSSH();
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
