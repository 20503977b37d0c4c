import type { CertificateDates, EngineEndpoint } from './contract.ts';

/** What is known where an error is explained. */
export interface Situation {
  readonly endpoint: EngineEndpoint;
  /** `tcp://1.2.3.4:2376`, or what a stream leads to. */
  readonly where: string;
  readonly machineName: string;
  readonly now: number;
  /** Of the certificate that the engine showed, where that could be seen. */
  readonly shown?: CertificateDates | undefined;
}

/** Node's code of an error, '' when it has none. */
export function codeOf(error: unknown): string {
  const { code, reason } = error as { code?: unknown; reason?: unknown };
  // EPROTO is OpenSSL's errors in a coat; `reason` then holds what they are: "wrong version number".
  if (code === 'EPROTO' && typeof reason === 'string')
    return `ERR_SSL_${reason.toUpperCase().replace(/\W/g, '_')}`;
  return typeof code === 'string' ? code : '';
}
