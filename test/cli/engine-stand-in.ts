import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, createClientCertificate, createServerCertificate } from '../../src/certs/create.ts';
import { engineHandler, tlsEngine } from '../unit/engine/real-engine.ts';

export interface StandIn {
  readonly url: string;
  /** Makes `store` one whose client certificate this engine takes. */
  prepare(store: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A server that speaks mutual TLS and answers as
 * dockerd does, for what needs an engine and no host.
 */
export async function standInEngine(
  age = { version: '28.5.2', api: '1.51', minApi: '1.24' },
): Promise<StandIn> {
  const now = Date.now();
  const ca = await createAuthority({ organization: 'ann', now });
  const [server, client] = await Promise.all([
    createServerCertificate(ca, { organization: 'ann.h1', now, sans: ['127.0.0.1'] }),
    createClientCertificate(ca, { organization: 'ann', now }),
  ]);
  const listening = await tlsEngine(server, ca, engineHandler(age));
  return {
    url: `tcp://127.0.0.1:${listening.port}`,
    async prepare(store) {
      const folder = join(store, 'certs');
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const files = {
        'ca.pem': ca.cert,
        'ca-key.pem': ca.key,
        'cert.pem': client.cert,
        'key.pem': client.key,
      };
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(folder, name), text, { mode: 0o600 });
      }
    },
    stop: () => listening.stop(),
  };
}
