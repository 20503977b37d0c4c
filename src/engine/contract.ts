import type { Duplex } from 'node:stream';
import { bracketed, ipVersion } from '../base/net.ts';
import { printable } from '../base/printable.ts';
import { engineError } from './errors.ts';

/** How to reach an engine: mutual TLS, plain TCP, or a stream that the caller opens (SSH). */
export type EngineEndpoint =
  | {
      readonly kind: 'tls';
      readonly host: string;
      readonly port: number;
      readonly ca: string;
      readonly cert: string;
      readonly key: string;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'stream'; readonly open: () => Promise<Duplex> };

/** Milliseconds since the epoch. */
export interface CertificateDates {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface EngineVersion {
  /** Such as 28.5.2, without a v. */
  readonly version: string;
  readonly apiVersion: string;
  readonly minApiVersion: string;
  readonly os: string;
  readonly arch: string;
}

export interface EngineClient {
  /** Fails with the MM_ENGINE_* error that names the cause. */
  ping(): Promise<{ readonly apiVersion: string }>;
  version(): Promise<EngineVersion>;
  info(): Promise<Readonly<Record<string, unknown>>>;
  containers(): Promise<readonly { readonly id: string; readonly name: string; readonly state: string }[]>;
  /** The dates of the certificate in the last TLS handshake; undefined without one. */
  serverCertificate(): CertificateDates | undefined;
  close(): void;
}

export interface EngineAddress {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

const defaultPort = 2376;
const shape =
  /^(?:tcp|https?):\/\/(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?))(?::(\d{1,5}))?\/?$/i;

/**
 * Reads `tcp://host:2376`, `tcp://[::1]:2376` or the same with http(s). The default port is 2376.
 * @throws MM_ENGINE_URL
 */
export function parseEngineUrl(url: string): EngineAddress {
  const [, ipv6, name, digits] = (url.length <= 512 ? shape.exec(url) : null) ?? [];
  const host = ipv6 ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host !== undefined && (ipv6 === undefined || ipVersion(ipv6) === 6) && port >= 1 && port <= 65535) {
    return { host, port };
  }
  throw engineError('MM_ENGINE_URL', {
    message: `"${printable(url, 200)}" is not the address of an engine`,
    hint: 'Give it as tcp://HOST:PORT, such as tcp://192.0.2.10:2376 or tcp://[2001:db8::1]:2376.',
  });
}

/** The address as docker clients take it. */
export function formatEngineUrl(address: EngineAddress): string {
  return `tcp://${bracketed(address.host)}:${address.port}`;
}
