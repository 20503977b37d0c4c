import { connect as connectTcp, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, TLSSocket } from 'node:tls';
import { datesOfCertificate } from './certificate-dates.ts';
import type { CertificateDates, EngineEndpoint } from './contract.ts';

/** A family of addresses that does not answer is given this long before the host's next one is tried beside it; Node's 250 ms is too short for far hosts. */
const familyTimeoutMs = 2000;

type TlsEndpoint = Extract<EngineEndpoint, { kind: 'tls' }>;

function openTls(endpoint: TlsEndpoint, verify = true): Socket {
  const { host, port, ca, cert, key } = endpoint;
  const options: ConnectionOptions & TcpSocketConnectOpts = {
    host,
    port,
    ca,
    // An empty certificate is left out: the engine then says that it wants one.
    ...(cert === '' ? {} : { cert, key }),
    // RFC 6066: an address is no server name.
    servername: isIP(host) === 0 ? host : '',
    minVersion: 'TLSv1.2',
    rejectUnauthorized: verify,
    autoSelectFamilyAttemptTimeout: familyTimeoutMs,
    // A certificate holds addresses without the zone that a link-local one needs.
    checkServerIdentity: (_name, peer) => checkServerIdentity(host.replace(/%.*$/, ''), peer),
  };
  return connectTls(options);
}

/**
 * Opens the wire, with the TLS handshake done where there is one. Rejects with the raw error of the system, of OpenSSL or
 * of the stream's opener, or with the signal's reason.
 */
export async function openWire(endpoint: EngineEndpoint, signal: AbortSignal): Promise<Duplex> {
  signal.throwIfAborted();
  if (endpoint.kind === 'stream') {
    const opening = endpoint.open();
    // Nobody waits for it any more when the signal comes first: then it is closed as soon as it is there.
    const stream = await raceAbort(opening, signal, (late) => late.destroy());
    return stream;
  }
  return await opened(
    endpoint.kind === 'tls'
      ? openTls(endpoint)
      : connectTcp({
          host: endpoint.host,
          port: endpoint.port,
          autoSelectFamilyAttemptTimeout: familyTimeoutMs,
        }),
    endpoint.kind === 'tls' ? 'secureConnect' : 'connect',
    signal,
  );
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

/** Of the certificate at the other end; undefined where there is no TLS. */
export function shownDates(stream: Duplex): CertificateDates | undefined {
  if (!(stream instanceof TLSSocket)) return undefined;
  const { valid_from: validFrom = '', valid_to: validTo = '' } = stream.getPeerCertificate();
  return datesOfCertificate({ validFrom, validTo });
}

/** What an engine shows that was refused for its dates, which the error does not tell. Nothing is sent, and nothing believed. */
export async function peekAtDates(
  endpoint: TlsEndpoint,
  signal: AbortSignal,
): Promise<CertificateDates | undefined> {
  const socket = openTls(endpoint, false);
  try {
    return shownDates(await opened(socket, 'secureConnect', signal));
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
