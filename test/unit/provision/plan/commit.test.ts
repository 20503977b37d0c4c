import { expect, test } from 'vitest';
import { type Commit, runCommit } from '../../../../src/provision/plan/commit.ts';

const commit: Commit = {
  ...{ expect: 'none', files: [], removals: [], hostname: undefined, units: false, effect: 'restart' },
  ...{ enable: undefined, port: 0, beforehand: undefined, afterwards: undefined, mode: 'keep' },
};
const shellThatSays = (...lines: string[]) => ({
  run: async () => '',
  change: async () => [...lines, ''].join('\n'),
});

test.each([
  ['failed to start daemon: x', "The engine's last words are above", 'failed to start daemon: x'],
  ['', 'The engine left no words: `systemctl status docker.service docker.socket`', ''],
])('an engine that does not come up and says %j', async (journal, hint, details) => {
  const said = ['status start', 'restored yes', `journal ${Buffer.from(journal).toString('base64')}`];
  await expect(runCommit(shellThatSays(...said), commit, () => undefined)).rejects.toMatchObject({
    ...{ code: 'MM_ENGINE_START', hint: expect.stringContaining(hint), details },
  });
});
