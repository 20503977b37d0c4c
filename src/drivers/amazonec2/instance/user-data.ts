import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { isMachineError, messageOf } from '../../../base/machine-error.ts';
import { guestConfig } from '../../../guest/seed.ts';
import { checkUserData, cloudConfig, withUserData } from '../../../guest/user-data.ts';
import { type Ec2Context, machineFiles } from '../context.ts';
import { ec2Error } from '../errors.ts';
import { publicKey } from './key-pair.ts';

/** EC2's limit, before base64. */
const MAX_BYTES = 16 * 1024;

/** The user's own user data. undefined when none was given. */
export async function ownUserData(path: string): Promise<Uint8Array | undefined> {
  if (path === '') return undefined;
  try {
    const data = await readFile(path);
    checkUserData(data);
    return data;
  } catch (cause) {
    throw ec2Error('MM_EC2_USER_DATA', {
      message: `unable to read user data file: ${path}: ${messageOf(cause)}`,
      hint:
        (isMachineError(cause) ? cause.hint : undefined) ??
        'Give the path of a readable file with --amazonec2-userdata.',
      cause,
    });
  }
}

/**
 * What the instance's cloud-init is told, in base64.
 * It holds our login user, the host's first SSH key, and the user's own data.
 * The same machine gives the same bytes, as a client token demands.
 */
export async function userDataOf(context: Ec2Context): Promise<string> {
  const { config, machine } = context;
  const files = machineFiles(machine.dir);
  const ours = cloudConfig(
    guestConfig({
      hostname: machine.name,
      user: config.SSHUser,
      authorizedKeys: [await publicKey(config.SSHKeyPath)],
      hostKey: {
        privateKey: await readFile(files.hostKey, 'utf8'),
        publicKey: (await readFile(`${files.hostKey}.pub`, 'utf8')).trim(),
      },
    }),
  );
  const theirs = await ownUserData(config.UserDataFile);
  const whole = Buffer.from(theirs === undefined ? ours : withUserData(ours, theirs));
  const bytes = whole.length <= MAX_BYTES ? whole : gzipSync(whole, { level: 9 });
  if (bytes.length > MAX_BYTES) {
    throw ec2Error('MM_EC2_USER_DATA', {
      message: `The user data takes ${bytes.length} bytes with ours, and EC2 takes ${MAX_BYTES}`,
      hint: 'Let it fetch the rest itself, for instance with #include and a URL.',
    });
  }
  return bytes.toString('base64');
}
