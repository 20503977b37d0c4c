import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fullListener } from '../../testbed/listen.ts';
import { Sandbox } from '../program.ts';

describe.runIf(process.platform === 'linux')('a connection that nobody takes', () => {
  let user: Sandbox;
  let untaken: Awaited<ReturnType<typeof fullListener>>;

  beforeAll(async () => {
    user = await Sandbox.make();
    untaken = await fullListener();
    await user.run(['create', '-d', 'none', '--url', `tcp://127.0.0.1:${untaken.port}`, 'h1']);
  });

  afterAll(async () => {
    untaken.close();
    await user.remove();
  });

  test.each(['env', 'config', 'version'])(
    'is given up by %s after --timeout, else the variable',
    async (verb) => {
      const lines: readonly (readonly [args: readonly string[], variable: string])[] = [
        [['--timeout', '1'], ''],
        [['-t', '1'], '9999'],
        [[], '1'],
      ];
      for (const [args, variable] of lines) {
        const { code, stderr } = await user.run([verb, ...args, 'h1'], {
          env: { MYMACHINE_CONNECT_TIMEOUT: variable, SHELL: '/bin/sh' },
        });
        expect(stderr).toContain(`Nobody took the connection to tcp://127.0.0.1:${untaken.port} within 1 s`);
        expect(stderr).toContain('Error id: MM_ENGINE_TIMEOUT');
        expect(code).toBe(1);
      }
    },
  );

  test.each(['env', 'config', 'version'])('%s takes 1 to 3600 seconds', async (verb) => {
    for (const seconds of ['0', '-1', '3601']) {
      const { code, stderr } = await user.run([verb, '--timeout', seconds, 'h1']);
      expect([code, stderr]).toEqual([2, expect.stringContaining('--timeout wants 1 to 3600 seconds')]);
    }
  });
});
