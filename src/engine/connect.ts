import { connect as connectTcp, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { datesOfCertificate } from './certificate-dates.ts';
import type { CertificateDates, EngineEndpoint } from './contract.ts';

/** A family of addresses that does not answer is given this long before the host's next one is tried beside it; Node's 250 ms is too short for far hosts. */
const familyTimeoutMs = 2000;

type TlsEndpoint = Extract<EngineEndpoint, { kind: 'tls' }>;

/** Parsed certificates and keys by their text: machines of one store mostly share them, and parsing takes longer than a handshake's round trip. */
export type TlsContexts = Map<string, SecureContext>;

function contextOf({ ca, cert, key }: TlsEndpoint, contexts: TlsContexts): SecureContext {
  const name = [ca, cert, key].join('\0');
  const known = contexts.get(name);
  if (known !== undefined) return known;
  // An empty certificate is left out: the engine then says that it wants one.
  const made = createSecureContext({ ca, ...(cert === '' ? {} : { cert, key }), minVersion: 'TLSv1.2' });
  contexts.set(name, made);
  return made;
}

interface OpeningTls {
  readonly socket: Socket;
  /** Of the certificate at the other end, once it was accepted. */
  readonly dates: () => CertificateDates | undefined;
}

function openTls(endpoint: TlsEndpoint, contexts: TlsContexts, verify = true): OpeningTls {
  const { host, port } = endpoint;
  let dates: CertificateDates | undefined;
  const options: ConnectionOptions & TcpSocketConnectOpts = {
    host,
    port,
    secureContext: contextOf(endpoint, contexts),
    // RFC 6066: an address is no server name.
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: verify,
    autoSelectFamilyAttemptTimeout: familyTimeoutMs,
    // A certificate holds addresses without the zone that a link-local one needs.
    checkServerIdentity: (_name, peer) => {
      // Asking the socket later would take the certificate apart a second time.
      dates = datesOfCertificate({ validFrom: peer.valid_from, validTo: peer.valid_to });
      return checkServerIdentity(host.replace(/%.*$/, ''), peer);
    },
  };
  return { socket: connectTls(options), dates: () => dates };
}

/** An open connection, and the dates of the certificate that was shown there. */
export interface Wire {
  readonly stream: Duplex;
  readonly dates: CertificateDates | undefined;
}

/**
 * Opens the wire, with the TLS handshake done where there is one. Rejects with the raw error of the system, of OpenSSL or
 * of the stream's opener, or with the signal's reason.
 */
export async function openWire(
  endpoint: EngineEndpoint,
  signal: AbortSignal,
  contexts: TlsContexts,
): Promise<Wire> {
  signal.throwIfAborted();
  if (endpoint.kind === 'stream') {
    const opening = endpoint.open();
    // Nobody waits for it any more when the signal comes first: then it is closed as soon as it is there.
    const stream = await raceAbort(opening, signal, (late) => late.destroy());
    return { stream, dates: undefined };
  }
  if (endpoint.kind === 'tls') {
    const { socket, dates } = openTls(endpoint, contexts);
    return { stream: await opened(socket, 'secureConnect', signal), dates: dates() };
  }
  const { host, port } = endpoint;
  const socket = connectTcp({ host, port, autoSelectFamilyAttemptTimeout: familyTimeoutMs });
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

/** What an engine shows that was refused for its dates, which the error does not tell. Nothing is sent, and nothing believed. */
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
