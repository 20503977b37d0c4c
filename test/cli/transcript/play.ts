import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { expect as Expect } from 'vitest';
import type { Outcome } from '../program.ts';
import { type CaseContext, type Fixture, prepare, runLine } from './case-context.ts';
import { asExpected, matches, type Places, shown } from './compare.ts';
import { type Case, parseTranscript, type Step, type Transcript } from './parse.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Every transcript of a folder; one that is malformed fails here, before any case is run. */
export function readTranscripts(folder: string): readonly Transcript[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.transcript'),
  );
  return names.sort().map((name) => {
    const path = join(folder, name);
    return parseTranscript(relative(ROOT, path), readFileSync(path, 'utf8'));
  });
}

/** Steps whose transcript is to be written anew, by the line they begin at. */
export class Rewrites {
  readonly #found = new Map<string, Map<Step, readonly string[]>>();
  /** Whether what the program says is written down instead of compared. */
  readonly wanted = process.env['MYMACHINE_TRANSCRIPTS'] === 'write';

  add(path: string, step: Step, lines: readonly string[]): void {
    const steps = this.#found.get(path) ?? new Map<Step, readonly string[]>();
    this.#found.set(path, steps.set(step, lines));
  }

  async write(): Promise<void> {
    for (const [path, steps] of this.#found) {
      const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
      const fromTheEnd = [...steps].sort(([a], [b]) => b.line - a.line);
      for (const [step, said] of fromTheEnd) lines.splice(step.line, step.end - step.line, ...said);
      await writeFile(join(ROOT, path), lines.join('\n'));
    }
  }
}

function said(step: Step, outcome: Outcome, places: Places): string[] {
  return [
    ...asExpected(outcome.stdout, step.stdout, places, 'stdout'),
    ...asExpected(outcome.stderr, step.stderr, places, 'stderr'),
    `exit ${outcome.code ?? outcome.signal}`,
  ];
}

function isExpected(step: Step, outcome: Outcome, places: Places): boolean {
  return (
    outcome.code === step.exit &&
    matches(step.stdout, outcome.stdout, places) &&
    matches(step.stderr, outcome.stderr, places)
  );
}

/** Plays a case from its first line to its last. */
export async function playCase(
  { path }: Transcript,
  { actions }: Case,
  fixture: Fixture,
  context: CaseContext,
  rewrites: Rewrites,
  expect: typeof Expect,
): Promise<void> {
  for (const action of actions) {
    if (action.kind === 'setup') {
      await prepare(fixture, context, action.command).catch((error: Error) => {
        throw new Error(`${path}:${action.line}: ${error.message}`);
      });
      continue;
    }
    const outcome = await runLine(context, action.command);
    if (isExpected(action, outcome, context.places)) continue;
    const lines = said(action, outcome, context.places);
    if (rewrites.wanted) {
      rewrites.add(path, action, lines);
      continue;
    }
    const wanted = [
      ...shown(action.stdout, 'stdout'),
      ...shown(action.stderr, 'stderr'),
      `exit ${action.exit}`,
    ];
    expect(lines.join('\n'), `${path}:${action.line}: ${action.command}`).toBe(wanted.join('\n'));
    // The same to the eye: then a placeholder's value stood where it should have been spelt out.
    expect.fail(`${path}:${action.line}: ${action.command}\nsaid something else than what stands there`);
  }
}
