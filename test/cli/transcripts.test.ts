import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Sandbox } from './program.ts';
import { playCase, Rewrites, readTranscripts } from './transcript/play.ts';
import { closeWorld, openStage, openWorld, type Stage } from './transcript/world.ts';

// What the command line says, as terminal sessions: transcript/parse.ts describes the format.
const transcripts = readTranscripts(join(import.meta.dirname, 'transcripts'));
const rewrites = new Rewrites();
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(async () => {
  await stage.close();
  await rewrites.write();
});

for (const transcript of transcripts) {
  describe.concurrent(transcript.path, () => {
    for (const each of transcript.cases) {
      test(each.name, async ({ expect }) => {
        const sandbox = await Sandbox.make();
        const world = await openWorld(stage, sandbox, new Map());
        try {
          await playCase(transcript, each, stage, world, rewrites, expect);
        } finally {
          await closeWorld(world);
          await sandbox.remove();
        }
      });
    }
  });
}
