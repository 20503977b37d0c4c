import { sshError } from '../errors.ts';
import { decodeBlob, fingerprint } from './key-blob.ts';
import { readKeyFile } from './key-file.ts';

/** The line for authorized_keys of a private key file without a passphrase, also of one in PEM. */
export async function publicKeyOf(privateKeyPath: string, comment = ''): Promise<string> {
  const content = await readKeyFile(privateKeyPath);
  // It brings ssh2 along, which only this function needs here.
  const { parsePrivateKey } = await import('./private-key.ts');
  const parsed = parsePrivateKey(content);
  if (parsed.kind === 'usable') {
    const text = `${parsed.key.type} ${parsed.publicBlob.toString('base64')}`;
    return comment === '' ? text : `${text} ${comment}`;
  }
  throw parsed.kind === 'encrypted'
    ? sshError('MM_SSH_KEY_ENCRYPTED', {
        message: `The SSH key ${privateKeyPath} is protected by a passphrase`,
        hint: `Write its public half beside it: "ssh-keygen -y -f ${privateKeyPath} > ${privateKeyPath}.pub".`,
      })
    : sshError('MM_SSH_KEY_INVALID', {
        message: `The SSH key ${privateKeyPath} cannot be used: ${parsed.why}`,
        hint: `Check it with "ssh-keygen -y -f ${privateKeyPath}".`,
      });
}

/** `SHA256:…` of a public key's line (`type base64 [comment]`), or undefined when it is none. */
export function fingerprintOfLine(line: string): string | undefined {
  const [type, base64] = line.trim().split(/\s+/);
  const blob = type === undefined || base64 === undefined ? undefined : decodeBlob(type, base64);
  return blob === undefined ? undefined : fingerprint(blob);
}
