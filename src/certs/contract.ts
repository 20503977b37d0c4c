/** A certificate and its private key, both PEM. Keys are RSA 2048 PKCS#1 ("RSA PRIVATE KEY"), as docker-machine's. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertRequest {
  /** The subject's O, its only attribute. */
  readonly organization: string;
  /** Milliseconds since the epoch; NotBefore is five minutes earlier, cut to the minute. */
  readonly now: number;
  /** Default 1080. */
  readonly days?: number;
}
