import type { Duplex } from 'node:stream';

/** How to reach an engine: mutual TLS over TCP, plain TCP (URL-only machines without certificates), or a stream that someone opens for us (SSH). */
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
  /** Answers within the time, over the wire that the endpoint says, or fails with MM_ENGINE_* that names the cause. */
  ping(): Promise<{ readonly apiVersion: string }>;
  version(): Promise<EngineVersion>;
  info(): Promise<Readonly<Record<string, unknown>>>;
  containers(): Promise<readonly { readonly id: string; readonly name: string; readonly state: string }[]>;
  /** Of the certificate that the engine showed in the last handshake; undefined before one, and where there is no TLS. */
  serverCertificate(): CertificateDates | undefined;
  close(): void;
}
