import { Agent, type AgentOptions, type IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

export interface Reply {
  readonly status: number;
  /** Lower-case names. */
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** The reply was larger than the bound. */
export class BodyTooLarge extends Error {}

/**
 * Node's keep-alive pool over any stream.
 * It overrides what a plain Duplex lacks, by the documented hooks that Node and Bun both call.
 */
export class WireAgent extends Agent {
  readonly #open: () => Promise<Duplex>;

  constructor(open: () => Promise<Duplex>) {
    // Without a server name Node looks for one in the headers and compiles a regular expression for
    // IPv6 addresses, which takes 10 ms.
    const options: AgentOptions & Pick<TlsOptions, 'servername'> = {
      keepAlive: true,
      maxSockets: 4,
      maxFreeSockets: 2,
      servername: '',
    };
    super(options);
    this.#open = open;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.#open().then(
      (stream) => done?.(null, stream),
      // The signature wants a stream beside the error. There is none.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }

  override keepSocketAlive(stream: Duplex): boolean {
    if (stream instanceof Socket) return super.keepSocketAlive(stream) as unknown as boolean;
    return !stream.destroyed;
  }

  override reuseSocket(stream: Duplex, req: Parameters<Agent['reuseSocket']>[1]): void {
    if (stream instanceof Socket) super.reuseSocket(stream, req);
    else req.reusedSocket = true;
  }
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxBytes) throw new BodyTooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** One GET. Rejects with the raw error of the connection, or with the signal's reason. */
export async function get(
  agent: Agent,
  path: string,
  options: { readonly signal: AbortSignal; readonly maxBodyBytes: number },
): Promise<Reply> {
  const attempt = () =>
    new Promise<Reply>((resolve, reject) => {
      const req = request({ agent, path, host: 'docker', headers: { host: 'docker' }, maxHeaderSize: 65536 });
      const onAbort = () => {
        reject(options.signal.reason as Error);
        req.destroy();
      };
      options.signal.addEventListener('abort', onAbort, { once: true });
      req.once('close', () => options.signal.removeEventListener('abort', onAbort));
      req.once('error', (error) => reject(Object.assign(error, { reused: req.reusedSocket })));
      req.once('response', (response) => {
        readBody(response, options.maxBodyBytes).then(
          (body) =>
            resolve({
              status: response.statusCode ?? 0,
              header: (name) => [response.headers[name]].flat()[0],
              body,
            }),
          (error: unknown) => {
            reject(error as Error);
            req.destroy();
          },
        );
      });
      req.end();
    });
  options.signal.throwIfAborted();
  try {
    return await attempt();
  } catch (error) {
    // The engine closed a pooled connection while we picked it up. A new one tells the truth.
    if ((error as { reused?: boolean }).reused !== true || options.signal.aborted) throw error;
    return await attempt();
  }
}
