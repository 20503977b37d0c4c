import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkConnection } from '../../../src/machine/engine/connection.ts';
import { listen } from '../../testbed/listen.ts';
import { UserStore } from './user-store.ts';

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

async function closedPort(): Promise<number> {
  const server = await listen(createServer());
  await server.close();
  return server.port;
}

it('looks for a firewall where a host runs and the port of its engine is shut', async () => {
  const machine = await user.addMachine('h1');
  await expect(checkConnection(machine, `tcp://127.0.0.1:${await closedPort()}`)).rejects.toMatchObject({
    code: 'MM_ENGINE_REFUSED',
    hint: expect.stringMatching(
      /^The machine runs\. .*firewall.*"mymachine ssh h1 sudo systemctl status docker"/,
    ),
  });
});

it('leaves an engine that somebody else looks after to them', async () => {
  const machine = await user.addMachine('h2', 'none');
  await expect(checkConnection(machine, `tcp://127.0.0.1:${await closedPort()}`)).rejects.toMatchObject({
    code: 'MM_ENGINE_REFUSED',
    hint: expect.not.stringContaining('firewall'),
  });
});
