import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import { isMachineError } from '../../base/machine-error.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { UserConfig } from '../system/user-config.ts';
import { ChosenKeysAgent } from './agent.ts';
import { decodeBlob } from './key-blob.ts';
import { readKeyFile } from './key-file.ts';
import { type PrivateKey, parsePrivateKey } from './private-key.ts';

export type Identity =
  | { readonly kind: 'agent'; readonly agent: ChosenKeysAgent }
  | { readonly kind: 'file'; readonly path: string; readonly key: ParsedKey };

/** What to log in with, in the order to try it, and why some keys are left out, for the message when none is let in. */
export interface Identities {
  readonly identities: readonly Identity[];
  readonly leftOut: readonly string[];
}

export interface IdentitySource {
  readonly homeDir: string;
  /** Value of SSH_AUTH_SOCK; '' when there is no agent. */
  readonly sshAuthSock: string;
}

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/** With a key named for the target that key alone, otherwise what ssh would try: the agent, then the user's key files. */
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
  if (parsed.kind === 'invalid') {
    throw sshError('MM_SSH_KEY_INVALID', {
      message: `The SSH key ${path} cannot be used: ${parsed.why}`,
      hint: `Check it with "ssh-keygen -y -f ${path}".`,
    });
  }
  const blob = parsed.publicBlob ?? (await readPublicKey(`${path}.pub`));
  if (socket !== '' && blob !== undefined) {
    const agent = new ChosenKeysAgent(socket, [blob]);
    if (await agent.holdsWantedKey()) return { kind: 'agent', agent };
  }
  throw sshError('MM_SSH_KEY_ENCRYPTED', {
    message: `The SSH key ${path} is protected by a passphrase`,
    hint: `Hand it to your SSH agent, which is asked for it: "ssh-add ${path}".`,
  });
}

interface KeyFile {
  readonly identity?: Identity;
  readonly publicBlob?: Buffer;
  readonly leftOut?: string;
}

/** One of the user's own keys: what is wrong with it is no error, as with ssh. undefined when there is none. */
async function readQuietly(path: string): Promise<KeyFile | undefined> {
  let parsed: PrivateKey;
  try {
    parsed = parsePrivateKey(await readKeyFile(path));
  } catch (error) {
    if (isMachineError(error, 'MM_SSH_KEY_PERMISSIONS')) return { leftOut: `${path} (permissions too open)` };
    // With IdentitiesOnly a public key alone picks one of the agent's.
    const blob = await readPublicKey(`${path}.pub`);
    return blob === undefined ? undefined : { publicBlob: blob };
  }
  if (parsed.kind === 'usable') {
    return { identity: { kind: 'file', path, key: parsed.key }, publicBlob: parsed.publicBlob };
  }
  if (parsed.kind === 'invalid') {
    const blob = await readPublicKey(path);
    return blob === undefined ? { leftOut: `${path} (${parsed.why})` } : { publicBlob: blob };
  }
  const blob = parsed.publicBlob ?? (await readPublicKey(`${path}.pub`));
  return {
    leftOut: `${path} (has a passphrase: ssh-add it)`,
    ...(blob === undefined ? {} : { publicBlob: blob }),
  };
}

async function readPublicKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [type, base64] = text.trim().split(/\s+/);
  return type === undefined || base64 === undefined ? undefined : decodeBlob(type, base64);
}

function agentSocket(config: UserConfig | undefined, source: IdentitySource): string {
  if (config === undefined || config.identityAgent === '') return source.sshAuthSock;
  return config.identityAgent === 'none' ? '' : config.identityAgent;
}
