import type { BaseAgent, IdentityCallback, ParsedKey, PublicKeyEntry } from 'ssh2';
import ssh2 from 'ssh2';
import type { Clock } from '../../base/ports.ts';
import { inWords } from '../../base/wait.ts';

type RawKey = string | Buffer | ParsedKey;

/** ssh itself would wait for ever. */
const LIST_TIMEOUT_MS = 5000;

/** One key of an SSH agent, which ssh2 takes for an agent that holds that key alone. */
export class AgentKey extends ssh2.BaseAgent<RawKey> {
  readonly blob: Buffer;
  /** The agent was asked to sign and would not, so the key's file may be tried. */
  hasRefused = false;
  /** Called when the agent is asked to sign, and when it has answered. */
  onSigning: (isWaiting: boolean) => void = () => undefined;
  readonly #inner: BaseAgent<RawKey>;
  readonly #key: RawKey | PublicKeyEntry;

  constructor(inner: BaseAgent<RawKey>, key: RawKey | PublicKeyEntry, blob: Buffer) {
    super();
    this.blob = blob;
    this.#inner = inner;
    this.#key = key;
  }

  override getIdentities(callback: IdentityCallback<RawKey>): void {
    callback(undefined, [this.#key as RawKey]);
  }

  override sign(...args: unknown[]): void {
    // The last argument is the callback, behind options (the RSA hash) or the data.
    const callback = args.pop() as (error: unknown, signature: unknown) => void;
    this.onSigning(true);
    const done = (error: unknown, signature: unknown) => {
      this.onSigning(false);
      this.hasRefused = error instanceof Error;
      callback(error, signature);
    };
    Reflect.apply(this.#inner.sign, this.#inner, [...args, done]);
  }
}

/** The keys that an agent holds, in its order. `complaint` tells why there are none. */
export async function listAgent(
  socketPath: string,
  clock: Clock,
): Promise<{ readonly keys: readonly AgentKey[]; readonly complaint?: string }> {
  if (socketPath === '') return { keys: [] };
  const agent: BaseAgent<RawKey> = ssh2.createAgent(socketPath);
  const timer = new AbortController();
  const listed = new Promise<readonly (RawKey | PublicKeyEntry)[] | undefined>((resolve) => {
    agent.getIdentities((error, keys) => resolve(error ? undefined : (keys ?? [])));
  });
  const late = clock.sleep(LIST_TIMEOUT_MS, timer.signal).then(
    () => 'late' as const,
    () => undefined,
  );
  const found = await Promise.race([listed, late]).finally(() => timer.abort());
  const where = `the SSH agent at ${socketPath}`;
  if (found === 'late') return { keys: [], complaint: `${where} (no answer in ${inWords(LIST_TIMEOUT_MS)})` };
  if (found === undefined) return { keys: [], complaint: `${where} (cannot be asked)` };
  return {
    keys: found.flatMap((key) => {
      const blob = publicBlob(key);
      return blob === undefined ? [] : [new AgentKey(agent, key, blob)];
    }),
  };
}

function publicBlob(key: RawKey | PublicKeyEntry): Buffer | undefined {
  const bare = typeof key === 'object' && 'pubKey' in key ? key.pubKey : key;
  const parsed = ssh2.utils.parseKey(
    typeof bare === 'object' && 'pubKey' in bare ? (bare.pubKey as RawKey) : (bare as RawKey),
  );
  return parsed instanceof Error ? undefined : parsed.getPublicSSH();
}
