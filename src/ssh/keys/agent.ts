import ssh2, { type BaseAgent, type IdentityCallback, type ParsedKey, type PublicKeyEntry } from 'ssh2';

type AgentKey = string | Buffer | ParsedKey;

/**
 * An SSH agent of which only the `wanted` keys are offered to a host, or all without `wanted`.
 * The host counts every other key that it is offered as a failed login.
 */
export class ChosenKeysAgent extends ssh2.BaseAgent<AgentKey> {
  /** The public keys that were offered to the host. */
  readonly offered: Buffer[] = [];
  readonly #inner: BaseAgent<AgentKey>;
  readonly #wanted: readonly Buffer[] | undefined;

  constructor(socketPath: string, wanted: readonly Buffer[] | undefined) {
    super();
    this.#inner = ssh2.createAgent(socketPath);
    this.#wanted = wanted;
  }

  override getIdentities(callback: IdentityCallback<AgentKey>): void {
    this.#inner.getIdentities((error, keys) => {
      if (error) return callback(error);
      const chosen = (keys ?? []).filter((key) => {
        const blob = publicBlob(key);
        return blob !== undefined && (this.#wanted?.some((one) => one.equals(blob)) ?? true);
      });
      this.offered.splice(0, this.offered.length, ...chosen.flatMap((key) => publicBlob(key) ?? []));
      callback(undefined, chosen);
    });
  }

  /** Whether the agent answers and holds any of the wanted keys. */
  holdsWantedKey(): Promise<boolean> {
    return new Promise((resolve) => {
      this.getIdentities((_error, keys) => resolve((keys ?? []).length > 0));
    });
  }

  override sign(...args: unknown[]): void {
    // The third argument is options (the RSA hash) or the callback.
    Reflect.apply(this.#inner.sign, this.#inner, args);
  }
}

function publicBlob(key: AgentKey | PublicKeyEntry): Buffer | undefined {
  const bare = typeof key === 'object' && 'pubKey' in key ? key.pubKey : key;
  const parsed = ssh2.utils.parseKey(
    typeof bare === 'object' && 'pubKey' in bare ? (bare.pubKey as AgentKey) : (bare as AgentKey),
  );
  return parsed instanceof Error ? undefined : parsed.getPublicSSH();
}
