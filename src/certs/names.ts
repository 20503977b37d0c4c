import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { printable } from '../base/printable.ts';
import { certsError } from './errors.ts';

/** What a server certificate is valid for: an address (4 or 16 bytes) or a DNS name in ASCII. */
export type SubjectName =
  | { readonly kind: 'ip'; readonly text: string; readonly bytes: Uint8Array }
  | { readonly kind: 'dns'; readonly text: string };

/** The one canonical form of an IPv6 address (RFC 5952). */
export const canonicalIpv6 = (address: string): string => ipaddr.IPv6.parse(address).toRFC5952String();

function isDnsName(name: string): boolean {
  if (name.length > 253) return false;
  const labels = name.split('.');
  // An all-numeric last label is a mistyped address: no client matches it as a name.
  if (/^\d+$/.test(labels.at(-1) ?? '')) return false;
  return labels.every(
    (label, at) =>
      /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label) ||
      (label === '*' && at === 0 && labels.length > 2),
  );
}

/**
 * Reads a name as `--tls-san` takes it. @throws MM_CERTS_NAME
 * A mapped IPv4 address counts as IPv4, as in Go's verifier. A zone (fe80::1%eth0) is dropped.
 * A name outside ASCII becomes punycode.
 */
export function subjectName(text: string): SubjectName {
  if (isIP(text) !== 0) {
    const address = ipaddr.process(text.replace(/%.*$/, ''));
    const bytes = Uint8Array.from(address.toByteArray());
    return { kind: 'ip', text: 'parts' in address ? address.toRFC5952String() : address.toString(), bytes };
  }
  // domainToASCII drops control characters instead of refusing them.
  const ascii = /[\x00-\x20\x7f]/.test(text) ? '' : /^[\x21-\x7e]*$/.test(text) ? text : domainToASCII(text);
  if (isDnsName(ascii)) return { kind: 'dns', text: ascii };
  throw certsError('MM_CERTS_NAME', {
    message: `"${printable(text, 100)}" is neither an address nor a host name, so no certificate can be made for it`,
    hint: 'Give names such as docker.example.com or addresses such as 192.0.2.10 or 2001:db8::1, one in each --tls-san.',
  });
}

/** Each name once, in the order given. */
export function subjectNames(texts: readonly string[]): readonly SubjectName[] {
  const seen = new Map<string, SubjectName>();
  for (const text of texts) {
    const name = subjectName(text);
    const key = `${name.kind} ${name.text.toLowerCase()}`;
    if (!seen.has(key)) seen.set(key, name);
  }
  return [...seen.values()];
}

/** The subject's O: printable, at most X.520's 64 characters, never empty. */
export function organizationName(text: string): string {
  const clean = [...printable(text, 1000).trim()].slice(0, 64).join('');
  return clean === '' ? 'unknown' : clean;
}
