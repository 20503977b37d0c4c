import { readFileSync } from 'node:fs';
import { isMachineError } from '../../../src/base/machine-error.ts';
import { renderTemplate } from '../../../src/go-template/render.ts';

/** What a template makes, or why it makes nothing. */
export type Result = string | { readonly error: string };

export interface Case {
  readonly data?: string;
  readonly template: string;
  /** What Go makes of it: one of the two. */
  readonly output?: string;
  readonly error?: string;
  /** What we make of it where that is something else, and why. */
  readonly ours?: Result;
  readonly why?: string;
}

export interface Corpus {
  readonly data: Readonly<Record<string, unknown>>;
  readonly cases: readonly Case[];
}

export const corpusPath = new URL('corpus.json', import.meta.url).pathname;

/** Templates with what Go 1.19 makes of each, as record.go wrote it down. */
export function readCorpus(path = corpusPath): Corpus {
  return JSON.parse(readFileSync(path, 'utf8'));
}

export const dataOf = (corpus: Corpus, { data = 'kinds' }: Case) => corpus.data[data];

export function expected({ output, error, ours }: Case): Result {
  return ours ?? output ?? { error: error ?? '' };
}

/**
 * What we make of it. Of a template that cannot be read we
 * also tell the column, which Go does not: it is left out.
 */
export function made(template: string, data: unknown): Result {
  try {
    return renderTemplate(template, data);
  } catch (error) {
    if (!isMachineError(error, 'MM_TEMPLATE')) throw error;
    return {
      error: error.message.replace(/^template parsing error: (template: :\d+):\d+: /, '$1: '),
    };
  }
}
