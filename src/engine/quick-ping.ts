import type { Clock } from '../base/ports.ts';
import type { CertificateDates, EngineEndpoint } from './contract.ts';

/** Bun's TLS socket, as far as it is used here (https://bun.com/docs/api/tcp). */
interface BunSocket {
  write(text: string): number;
  terminate(): void;
  getTLSVersion(): unknown;
  getPeerX509Certificate(): { readonly validFrom: string; readonly validTo: string } | undefined;
}

interface BunRuntime {
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls: Readonly<Record<'ca' | 'cert' | 'key' | 'serverName', string>> & {
      readonly rejectUnauthorized: true;
    };
    readonly socket: {
      open(): void;
      handshake(socket: BunSocket, isVerified: boolean, error: Error | null): void;
      data(socket: BunSocket, bytes: Uint8Array): void;
      close(): void;
      error(): void;
      connectError(): void;
    };
  }): Promise<BunSocket>;
}

/** The run-time of the executable; undefined under Node. */
export const bunRuntime = () => (globalThis as { readonly Bun?: BunRuntime }).Bun;

/** A host that takes no connection by then is asked in full, with the usual patience. */
const TAKEN_MS = 1000;
/** So is an engine that says nothing for so long. */
const ANSWER_MS = 5000;
const MAX_REPLY = 4096;
const REQUEST = 'GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n';
const REPLY =
  /^HTTP\/1\.1 200 [^\r\n]*\r\n(?:[^\r\n]+\r\n)*?api-version: ?\d[\d.]*\r\n(?:[^\r\n]+\r\n)*\r\nOK$/i;

/**
 * Asks an engine over TLS whether it is there, with nothing but what the executable's run-time has
 * built in: node:tls and node:http take longer to load there than the whole check.
 * The run-time verifies chain, dates, and name or address of the certificate.
 * Gives undefined for all but a plain success. The engine's client then asks again, and says why.
 */
export async function quickPing(
  runtime: BunRuntime,
  { host, port, ca, cert, key }: Extract<EngineEndpoint, { kind: 'tls' }>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<CertificateDates | undefined> {
  // A certificate has no zone, and without our own the engine refuses us anyway.
  if (host.includes('%') || cert === '' || signal.aborted) return undefined;
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  let opened: Promise<BunSocket> | undefined;
  try {
    return await new Promise<CertificateDates | undefined>((resolve) => {
      const giveUp = () => resolve(undefined);
      let isTaken = false;
      clock.sleep(TAKEN_MS, either).then(() => isTaken || giveUp(), giveUp);
      clock.sleep(ANSWER_MS, either).then(giveUp, giveUp);
      let dates: CertificateDates | undefined;
      let reply = '';
      opened = runtime.connect({
        hostname: host,
        port,
        tls: { ca, cert, key, serverName: host, rejectUnauthorized: true },
        socket: {
          open() {
            isTaken = true;
          },
          handshake(socket, isVerified, error) {
            const shown = socket.getPeerX509Certificate();
            if (!isVerified || error !== null || shown === undefined) return giveUp();
            if (!/^TLSv1\.[23]$/.test(String(socket.getTLSVersion()))) return giveUp();
            dates = { notBefore: Date.parse(shown.validFrom), notAfter: Date.parse(shown.validTo) };
            socket.write(REQUEST);
          },
          data(_socket, bytes) {
            reply += Buffer.from(bytes).toString('latin1');
            if (REPLY.test(reply)) resolve(dates);
            else if (reply.length > MAX_REPLY) giveUp();
          },
          close: giveUp,
          error: giveUp,
          connectError: giveUp,
        },
      });
      opened.catch(giveUp);
    });
  } catch {
    return undefined;
  } finally {
    done.abort();
    opened?.then((socket) => socket.terminate()).catch(() => undefined);
  }
}
