import type { Duplex } from 'node:stream';
import type { BaseAgent, IdentityCallback, ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';
import type { Clock } from '../../base/ports.ts';
import { inWords } from '../../base/wait.ts';
import { keyType } from './public-key.ts';

type RawKey = string | Buffer | ParsedKey;

/** ssh itself would wait for ever. */
const LIST_TIMEOUT_MS = 5000;
/** Message numbers of the agent's protocol. */
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
/** OpenSSH takes no longer one (MAX_AGENT_IDENTITIES keys). */
const LONGEST_ANSWER = 4 * 1024 * 1024;

/** One key of an SSH agent, which ssh2 takes for an agent that holds that key alone. */
export class AgentKey extends ssh2.BaseAgent<RawKey> {
  readonly blob: Buffer;
  /** The agent was asked to sign and would not, so the key's file may be tried. */
  hasRefused = false;
  /** Called when the agent is asked to sign, and when it has answered. */
  onSigning: (isWaiting: boolean) => void = () => undefined;
  readonly #inner: BaseAgent<RawKey>;

  constructor(inner: BaseAgent<RawKey>, blob: Buffer) {
    super();
    this.blob = blob;
    this.#inner = inner;
  }

  override getIdentities(callback: IdentityCallback<RawKey>): void {
    callback(undefined, [this.blob]);
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
): Promise<{
  readonly keys: readonly AgentKey[];
  /** The types of those that ssh2 cannot use: certificates, and keys of security keys. */
  readonly unusable: readonly string[];
  readonly complaint?: string;
}> {
  const none = { keys: [], unusable: [] };
  if (socketPath === '') return none;
  const agent = ssh2.createAgent(socketPath);
  const timer = new AbortController();
  const late = clock.sleep(LIST_TIMEOUT_MS, timer.signal).then(
    () => 'late' as const,
    () => undefined,
  );
  const listed = askForKeys(agent, timer.signal).catch(() => undefined);
  const found = await Promise.race([listed, late]).finally(() => timer.abort());
  const where = `the SSH agent at ${socketPath}`;
  if (found === 'late') return { ...none, complaint: `${where} (no answer in ${inWords(LIST_TIMEOUT_MS)})` };
  if (found === undefined) return { ...none, complaint: `${where} (cannot be asked)` };
  const isKnown = (blob: Buffer) => !(ssh2.utils.parseKey(blob) instanceof Error);
  return {
    keys: found.filter(isKnown).map((blob) => new AgentKey(agent, blob)),
    unusable: found.filter((blob) => !isKnown(blob)).map(keyType),
  };
}

/**
 * Asks an agent for its public keys (RFC 9987, 3.5). ssh2's own list leaves out what it cannot use.
 */
async function askForKeys(agent: BaseAgent<RawKey>, signal: AbortSignal): Promise<readonly Buffer[]> {
  const stream = await new Promise<Duplex>((resolve, reject) =>
    agent.getStream?.((error, opened) => (opened ? resolve(opened as Duplex) : reject(error))),
  );
  const stop = () => stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  stream.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES]));
  let answer = Buffer.alloc(0);
  for await (const chunk of stream) {
    answer = Buffer.concat([answer, chunk as Buffer]);
    if (answer.length >= 4 && answer.readUInt32BE() > LONGEST_ANSWER) break;
    if (answer.length >= 9 && answer.length >= 4 + answer.readUInt32BE()) break;
  }
  if (answer[4] !== IDENTITIES_ANSWER) throw new Error('no list of keys');
  const blobs: Buffer[] = [];
  // Behind the number of keys: each one's blob, and its comment.
  for (let at = 9, count = answer.readUInt32BE(5); blobs.length < count; ) {
    const end = at + 4 + answer.readUInt32BE(at);
    blobs.push(answer.subarray(at + 4, end));
    at = end + 4 + answer.readUInt32BE(end);
  }
  return blobs;
}
