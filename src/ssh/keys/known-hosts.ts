import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeBlob } from './key-blob.ts';

/** A line of a known_hosts file that names a key; sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHost {
  readonly marker: '' | '@revoked' | '@cert-authority';
  /** The first field: names separated by commas, or one hashed name. */
  readonly names: string;
  readonly type: string;
  readonly blob: Buffer;
  readonly comment: string;
}

/** Every line as it stands, with the key it holds; comments, blank lines and what we do not understand have none. */
export interface KnownHostsLine {
  readonly text: string;
  readonly entry: KnownHost | undefined;
}

export function parseKnownHosts(text: string): readonly KnownHostsLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => ({ text: line, entry: parseLine(line) }));
}

export function formatKnownHosts(lines: readonly Pick<KnownHostsLine, 'text'>[]): string {
  return lines.map((line) => `${line.text}\n`).join('');
}

export function knownHostLine(name: string, type: string, blob: Buffer, comment = ''): string {
  return `${name} ${type} ${blob.toString('base64')}${comment === '' ? '' : ` ${comment}`}`;
}

/** The name of a host in known_hosts: without a port when it is SSH's own. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The keys known for a name: those to trust, and those never to trust. */
export function lookup(
  lines: readonly KnownHostsLine[],
  name: string,
): { readonly trusted: readonly KnownHost[]; readonly revoked: readonly KnownHost[] } {
  const named = lines.flatMap(({ entry }) => (entry !== undefined && namesHost(entry, name) ? [entry] : []));
  return {
    trusted: named.filter((entry) => entry.marker === ''),
    revoked: named.filter((entry) => entry.marker === '@revoked'),
  };
}

export function namesHost(entry: KnownHost, name: string): boolean {
  if (entry.names.startsWith('|1|')) return matchesHash(entry.names, name);
  let found = false;
  for (const pattern of entry.names.split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    // A negated pattern overrules every other of its line.
    if (negated) return false;
    found = true;
  }
  return found;
}

function parseLine(line: string): KnownHost | undefined {
  const fields = line.trim().split(/[ \t]+/);
  const marked = fields[0]?.startsWith('@') === true;
  const marker = marked ? fields.shift() : '';
  if (marker !== '' && marker !== '@revoked' && marker !== '@cert-authority') return undefined;
  const [names, type, base64, ...comment] = fields;
  if (names === undefined || names.startsWith('#') || type === undefined || base64 === undefined)
    return undefined;
  const blob = decodeBlob(type, base64);
  return blob === undefined ? undefined : { marker, names, type, blob, comment: comment.join(' ') };
}

/** `|1|base64 salt|base64 HMAC-SHA1 of the name under the salt`, what HashKnownHosts writes. */
function matchesHash(hashed: string, name: string): boolean {
  const [, , salt, digest] = hashed.split('|');
  if (salt === undefined || digest === undefined) return false;
  const expected = Buffer.from(digest, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function matchesPattern(pattern: string, name: string): boolean {
  // `*` and `?` are wildcards, all else, brackets too, is literal.
  const source = pattern
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's').test(name.toLowerCase());
}
