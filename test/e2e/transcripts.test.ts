import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type CaseContext, type Fixture, openCase, openFixture } from '../cli/transcript/case-context.ts';
import { playCase, Rewrites, readTranscripts } from '../cli/transcript/play.ts';
import { genericOptions } from '../testbed/host.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { newUser, type User } from './support/user.ts';

// Commands that need a host, as terminal sessions. All cases share one user,
// whose machine `h1` is an adopted host, and run one after the other: each
// leaves it as it found it. test/cli/transcript/parse.ts describes the format.
const transcripts = readTranscripts(join(import.meta.dirname, 'transcripts'));
const rewrites = new Rewrites();
/** A host beside others on a busy computer takes its time over its packages. */
const TIMEOUT_MS = 240_000;
let user: User;
let testbed: Testbed;
let fixture: Fixture;
let context: CaseContext;

beforeAll(async () => {
  user = await newUser();
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['plain'] });
  const [host] = testbed.hosts;
  if (host === undefined) throw new Error('the testbed has no host');
  await user.must(['create', ...genericOptions(host), 'h1']);
  fixture = await openFixture();
  const places = [
    ['HOST', host.address],
    ['USER', host.user],
    ['KEY', host.keyPath],
  ] as const;
  context = await openCase(fixture, user.sandbox, new Map(places), TIMEOUT_MS);
});

afterAll(async () => {
  await user.mymachine(['rm', '-f', 'h1']);
  await testbed.close();
  await fixture.close();
  await user.sandbox.remove();
  await rewrites.write();
});

for (const transcript of transcripts) {
  describe(transcript.path, () => {
    for (const each of transcript.cases) {
      test(each.name, ({ expect }) => playCase(transcript, each, fixture, context, rewrites, expect));
    }
  });
}
