import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Sandbox } from './program.ts';
import { closeCase, type Fixture, openCase, openFixture } from './transcript/case-context.ts';
import { playCase, Rewrites, readTranscripts } from './transcript/play.ts';

// What the command line says, as terminal sessions: transcript/parse.ts describes the format.
const transcripts = readTranscripts(join(import.meta.dirname, 'transcripts'));
const rewrites = new Rewrites();
let fixture: Fixture;

beforeAll(async () => {
  fixture = await openFixture();
});

afterAll(async () => {
  await fixture.close();
  await rewrites.write();
});

for (const transcript of transcripts) {
  describe.concurrent(transcript.path, () => {
    for (const each of transcript.cases) {
      test(each.name, async ({ expect }) => {
        const sandbox = await Sandbox.make();
        const context = await openCase(fixture, sandbox, new Map());
        try {
          await playCase(transcript, each, fixture, context, rewrites, expect);
        } finally {
          await closeCase(context);
          await sandbox.remove();
        }
      });
    }
  });
}
