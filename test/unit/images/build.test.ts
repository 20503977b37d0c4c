import { expect, test } from 'vitest';
import type { Ports } from '../../../src/base/ports.ts';
import { aptMirror } from '../../../src/images/apt-mirror.ts';
import { checkCanBuild } from '../../../src/images/build.ts';

/** What is wrong with the wish itself is known before any program is asked. */
const ports = {
  programs: {
    run: () => {
      throw new Error('a program was started');
    },
  },
} as unknown as Ports;

test("a release of the other distribution is refused, in a sentence, not in apt's words", async () => {
  const mirror = await aptMirror();
  const [suite, message] =
    mirror === undefined
      ? ['noble', /only on Debian or Ubuntu/]
      : mirror.distribution === 'debian'
        ? ['noble', /^noble is a release of Ubuntu, and this computer's packages are Debian's$/]
        : ['trixie', /^trixie is a release of Debian, and this computer's packages are Ubuntu's$/];
  await expect(checkCanBuild(ports, { suite })).rejects.toMatchObject({
    code: 'MM_IMAGE_BUILD_PLATFORM',
    message: expect.stringMatching(message),
  });
});

test('what is no name of a release is refused before that', async () => {
  if ((await aptMirror()) === undefined) return;
  await expect(checkCanBuild(ports, { suite: '--help' })).rejects.toMatchObject({ code: 'MM_IMAGE_NAME' });
});
