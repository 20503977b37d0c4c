import { stat } from 'node:fs/promises';
import {
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  type ImportKeyPairCommandInput,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2';
import { textIfAny } from '../../../base/files.ts';
import { keepOrMakeKey } from '../../../sdk/guest.ts';
import { copyKeyFile } from '../../../ssh/keys/private-key-file.ts';
import type { Ec2Api } from '../api/api.ts';
import { isRefusedWith, unlessGone } from '../api/failures.ts';
import {
  type Ec2Context,
  ID_TAG,
  machineFiles,
  type ResourceFilter,
  resourceName,
  tagOf,
  tagsOf,
} from '../context.ts';
import { ec2Error } from '../errors.ts';

/** Keeps the private key in the machine's folder: the user's own, or a fresh ed25519 key. */
export async function keepPrivateKey({ config, machine }: Ec2Context): Promise<string> {
  const { key, givenKey } = machineFiles(machine.dir);
  if (config.SSHPrivateKeyPath === '') {
    await keepOrMakeKey(key, `mymachine ${machine.name}`);
    return key;
  }
  await copyKeyFile(config.SSHPrivateKeyPath, givenKey);
  return givenKey;
}

/** The public half: from the file beside the key, else from the key itself. */
export async function publicKey(path: string): Promise<string> {
  const beside = await textIfAny(`${path}.pub`);
  if (/^(?:ssh|ecdsa)-\S+ \S+/.test(beside.trim())) return beside.trim();
  const { publicKeyOf } = await import('../../../ssh/keys/identities.ts');
  return publicKeyOf(path);
}

export async function checkPrivateKey(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isFile() === true) {
    await publicKey(path);
    return;
  }
  throw ec2Error('MM_EC2_KEY_PAIR', {
    message: `SSH key does not exist: "${path}"`,
    hint: 'Give the path of the private key with --amazonec2-ssh-keypath.',
  });
}

/** ImportKeyPair, which needs the permission to tag besides its own. */
export function keyRequest(context: Ec2Context, name: string, publicKey: string): ImportKeyPairCommandInput {
  return {
    KeyName: name,
    PublicKeyMaterial: Buffer.from(publicKey),
    TagSpecifications: [{ ResourceType: 'key-pair', Tags: tagsOf(context) }],
  };
}

/** Imports the public key under the machine's name, or finds that it was. Gives the pair's id. */
export async function importKey(api: Ec2Api, context: Ec2Context): Promise<string> {
  const KeyName = resourceName(context);
  const request = keyRequest(context, KeyName, await publicKey(context.config.SSHKeyPath));
  try {
    const { KeyPairId } = await api.ask((ec2) => ec2.send(new ImportKeyPairCommand(request)));
    return KeyPairId ?? '';
  } catch (error) {
    if (!isRefusedWith(error, ['InvalidKeyPair.Duplicate'])) throw error;
    const { KeyPairs = [] } = await api.askUntilSeen(['InvalidKeyPair.NotFound'], (ec2) =>
      ec2.send(new DescribeKeyPairsCommand({ KeyNames: [KeyName] })),
    );
    const own = KeyPairs.find(({ Tags }) => tagOf(Tags, ID_TAG) === context.machine.id);
    if (own === undefined) throw error;
    return own.KeyPairId ?? '';
  }
}

export async function findKeys(api: Ec2Api, filter: ResourceFilter): Promise<readonly KeyPairInfo[]> {
  const { KeyPairs = [] } = await api.ask((ec2) =>
    ec2.send(new DescribeKeyPairsCommand({ Filters: [filter] })),
  );
  return KeyPairs;
}

/** By its name, since some servers answer a call with an id alone with success and do nothing. */
export async function deleteKey(api: Ec2Api, name: string): Promise<void> {
  await unlessGone(api.ask((ec2) => ec2.send(new DeleteKeyPairCommand({ KeyName: name }))));
}
