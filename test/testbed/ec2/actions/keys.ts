import { ApiError, missing } from '../api-error.ts';
import type { Cloud, Resource } from '../cloud.ts';
import { filtered, tagSet, tagsFor } from '../tags.ts';
import { type Action, DONE } from './call.ts';

export interface KeyPair extends Resource {
  readonly kind: 'key-pair';
  readonly name: string;
  readonly publicKey: string;
}

export function keyNamed(cloud: Cloud, name: string): KeyPair {
  const found = cloud.seen<KeyPair>('key-pair').find((key) => key.name === name);
  if (found === undefined)
    throw new ApiError('InvalidKeyPair.NotFound', `The key pair '${name}' does not exist`);
  return found;
}

const importKeyPair: Action = ({ query, cloud }) => {
  const name = query.text('KeyName');
  if (name === '') throw missing('KeyName');
  const publicKey = Buffer.from(query.text('PublicKeyMaterial'), 'base64').toString('utf8').trim();
  if (!/^ssh-(?:ed25519|rsa) [A-Za-z0-9+/=]+/.test(publicKey))
    throw new ApiError('InvalidKey.Format', 'Key is not in valid OpenSSH public key format');
  // Names are taken at once, although nobody sees them yet.
  if (cloud.every<KeyPair>('key-pair').some((key) => !key.gone && key.name === name))
    throw new ApiError('InvalidKeyPair.Duplicate', `The keypair already exists`);
  const key = cloud.add('key-pair', tagsFor(query, 'key-pair'), { name, publicKey });
  return { keyPairId: key.id, keyName: name, keyFingerprint: '00', tagSet: tagSet(key.tags) };
};

const describeKeyPairs: Action = ({ query, cloud }) => {
  const names = query.list('KeyName');
  for (const name of names) keyNamed(cloud, name);
  const ids = query.list('KeyPairId');
  const all = cloud
    .seen<KeyPair>('key-pair')
    .filter((key) => names.length === 0 || names.includes(key.name))
    .filter((key) => ids.length === 0 || ids.includes(key.id));
  const found = filtered(all, query, (key) => ({ 'key-name': [key.name], 'key-pair-id': [key.id] }));
  return {
    keySet: found.map((key) => ({
      keyPairId: key.id,
      keyName: key.name,
      keyType: 'ed25519',
      tagSet: tagSet(key.tags),
    })),
  };
};

/** Deleting what is not there is no error. */
const deleteKeyPair: Action = ({ query, cloud }) => {
  const id = cloud.behaviour.keysByNameAlone ? '' : query.text('KeyPairId');
  const wanted = (key: KeyPair) => key.id === id || key.name === query.text('KeyName');
  for (const key of cloud.seen<KeyPair>('key-pair').filter(wanted)) cloud.remove(key);
  return DONE;
};

export const keys = {
  ImportKeyPair: importKeyPair,
  DescribeKeyPairs: describeKeyPairs,
  DeleteKeyPair: deleteKeyPair,
} satisfies Record<string, Action>;
