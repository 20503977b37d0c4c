import type { X509Certificate } from 'node:crypto';
import { Agent, type AgentOptions, request } from 'node:http';
import { connect as connectTcp, isIP, Socket, type TcpSocketConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  TLSSocket,
  type ConnectionOptions as TlsOptions,
} from 'node:tls';
import { boundedText } from '../base/net.ts';
import type { CertificateDates, EngineEndpoint } from './contract.ts';

/** For an address, before the next one is tried beside it. 250 ms are too short for far hosts. */
const familyTimeoutMs = 2000;

type TlsEndpoint = Extract<EngineEndpoint, { kind: 'tls' }>;

/** Parsed certificates and keys by their text. Parsing takes longer than a round trip. */
export type TlsContexts = Map<string, SecureContext>;

function contextOf({ ca, cert, key }: TlsEndpoint, contexts: TlsContexts): SecureContext {
  const name = [ca, cert, key].join('\0');
  const known = contexts.get(name);
  if (known !== undefined) return known;
  // Without a certificate the engine says that it wants one.
  const made = createSecureContext({ ca, ...(cert === '' ? {} : { cert, key }), minVersion: 'TLSv1.2' });
  contexts.set(name, made);
  return made;
}

interface OpeningTls {
  readonly socket: Socket;
  /** Of the engine's certificate, once it is accepted. */
  readonly dates: () => CertificateDates | undefined;
}

function openTls(endpoint: TlsEndpoint, contexts: TlsContexts, verify = true): OpeningTls {
  const { host, port } = endpoint;
  let dates: CertificateDates | undefined;
  const options: ConnectionOptions & TcpSocketConnectOpts = {
    host,
    port,
    secureContext: contextOf(endpoint, contexts),
    // An address is no server name (RFC 6066).
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: verify,
    autoSelectFamilyAttemptTimeout: familyTimeoutMs,
    // A certificate holds addresses without the zone that a link-local one needs.
    checkServerIdentity: (_name, peer) => {
      // Asking the socket later would parse the certificate a second time.
      dates = datesOfCertificate({ validFrom: peer.valid_from, validTo: peer.valid_to });
      return checkServerIdentity(host.replace(/%.*$/, ''), peer);
    },
  };
  return { socket: connectTls(options), dates: () => dates };
}

export function datesOfCertificate(
  cert: Pick<X509Certificate, 'validFrom' | 'validTo'>,
): CertificateDates | undefined {
  const [notBefore, notAfter] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)];
  return Number.isNaN(notBefore) || Number.isNaN(notAfter) ? undefined : { notBefore, notAfter };
}

/** An open connection, and the dates of the certificate that the engine showed. */
interface Wire {
  readonly stream: Duplex;
  readonly dates: CertificateDates | undefined;
}

/**
 * Opens a connection, TLS handshake included. `onTaken` is called when the host has taken it.
 * Rejects with the raw error of the system, OpenSSL or the stream's opener, or the signal's reason.
 */
export async function openWire(
  endpoint: EngineEndpoint,
  signal: AbortSignal,
  contexts: TlsContexts,
  onTaken: () => void = () => {},
): Promise<Wire> {
  signal.throwIfAborted();
  if (endpoint.kind === 'stream') {
    const opening = endpoint.open();
    // If the signal comes first, the late stream is closed as soon as it is there.
    const stream = await raceAbort(opening, signal, (late) => late.destroy());
    return { stream, dates: undefined };
  }
  if (endpoint.kind === 'tls') {
    const { socket, dates } = openTls(endpoint, contexts);
    socket.once('connect', onTaken);
    return { stream: await opened(socket, 'secureConnect', signal), dates: dates() };
  }
  const { host, port } = endpoint;
  const socket = connectTcp({ host, port, autoSelectFamilyAttemptTimeout: familyTimeoutMs });
  socket.once('connect', onTaken);
  return { stream: await opened(socket, 'connect', signal), dates: undefined };
}

async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  const ready = new Promise<Socket>((resolve, reject) => {
    socket.once(event, () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' })));
  });
  return await raceAbort(
    ready,
    signal,
    () => {},
    () => socket.destroy(),
  );
}

/** The dates of a certificate that was refused for them. Nothing is sent unverified. */
export async function peekAtDates(
  endpoint: TlsEndpoint,
  signal: AbortSignal,
  contexts: TlsContexts,
): Promise<CertificateDates | undefined> {
  const { socket } = openTls(endpoint, contexts, false);
  try {
    await opened(socket, 'secureConnect', signal);
    const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    return shown === undefined ? undefined : datesOfCertificate(shown);
  } catch {
    return undefined;
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

async function raceAbort<T>(
  work: Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void,
  cancel: () => void = () => {},
): Promise<T> {
  let over = false;
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => {
      over = true;
      cancel();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work
      .then((value) => (over ? discard(value) : resolve(value)), reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

export interface Reply {
  readonly status: number;
  /** Lower-case names. */
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** The reply was larger than the bound. */
export class BodyTooLarge extends Error {}

/** Node's keep-alive pool over any stream, by documented hooks that Node and Bun both call. */
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
      // Unheard, it would end the request without a response and without an error.
      req.once('upgrade', ({ statusCode = 101 }, socket) => {
        socket.destroy();
        resolve({ status: statusCode, header: () => undefined, body: '' });
      });
      req.once('error', (error) => reject(Object.assign(error, { reused: req.reusedSocket })));
      req.once('response', (response) => {
        const answer = async (): Promise<Reply> => {
          const body = await boundedText(response, options.maxBodyBytes);
          if (body === undefined) throw new BodyTooLarge();
          const header = (name: string) => [response.headers[name]].flat()[0];
          return { status: response.statusCode ?? 0, header, body };
        };
        answer().then(resolve, (error: Error) => {
          reject(error);
          req.destroy();
        });
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
