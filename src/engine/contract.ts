import type { Duplex } from 'node:stream';

/**
 * How to reach an engine: by mutual TLS, by plain TCP (for a URL without certificates), or over a
 * stream that the caller opens (SSH).
 */
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
