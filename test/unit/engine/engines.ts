import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type Socket } from 'node:net';
import type { KeyPair } from '../../../src/certs/create.ts';
import {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
} from '../../../src/certs/create.ts';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import type { EngineEndpoint } from '../../../src/engine/contract.ts';
import { listen } from '../../testbed/listen.ts';

export const day = 86_400_000;
export const clock = systemClock;

/**
 * The certificates of a machine and everything that can be wrong with them. Made once: keys take
 * time.
 */
export async function makeCertificates() {
  const now = Date.now();
  const [ca, otherCa] = await Promise.all([
    createAuthority({ organization: 'ann', now }),
    createAuthority({ organization: 'ann', now }),
  ]);
  const sans = ['127.0.0.1', 'localhost', '::1'];
  const serverRequest = { organization: 'ann.host1', now, sans };
  const past = now - 100 * day;
  const [server, namedServer, oldServer, earlyServer, client, otherClient, oldClient] = await Promise.all([
    createServerCertificate(ca, serverRequest),
    createServerCertificate(ca, { ...serverRequest, sans: ['192.0.2.7', 'elsewhere.example'] }),
    createServerCertificate(ca, { ...serverRequest, now: past, days: 50 }),
    createServerCertificate(ca, { ...serverRequest, now: now + 10 * day }),
    createClientCertificate(ca, { organization: 'ann', now }),
    createClientCertificate(otherCa, { organization: 'ann', now }),
    createClientCertificate(ca, { organization: 'ann', now: past, days: 50 }),
  ]);
  return { ca, otherCa, server, namedServer, oldServer, earlyServer, client, otherClient, oldClient };
}

export type Certificates = Awaited<ReturnType<typeof makeCertificates>>;

export function tlsEngine(server: KeyPair, ca: KeyPair, handler: RequestListener, maxVersion?: 'TLSv1.2') {
  const options = {
    cert: server.cert,
    key: server.key,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  };
  return listen(createHttps({ ...options, ...(maxVersion === undefined ? {} : { maxVersion }) }, handler));
}

export const plainEngine = (handler: RequestListener) => listen(createHttp(handler));
export const rawServer = (handler: (socket: Socket) => void) => listen(createTcp(handler));

export function tlsEndpoint(port: number, ca: KeyPair, client: KeyPair, host = '127.0.0.1'): EngineEndpoint {
  return { kind: 'tls', host, port, ca: ca.cert, cert: client.cert, key: client.key };
}
