import type { Output } from './io.ts';

/**
 * What a command gives back. `show` alone prints it, obeys --json and makes the exit code of it.
 */
export type Result =
  /** All went well, and what there was to say was said. */
  | { readonly kind: 'done' }
  /** Text that --json does not change. */
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'value';
      /** For --json. */
      readonly value: unknown;
      /** For people and scripts, made when it is wanted. */
      readonly text: () => string | Promise<string>;
      /** Says what follows the text, such as warnings. */
      readonly after?: () => Promise<void>;
      /** 0 when it is left out. */
      readonly exitCode?: number;
    }
  /** The status of a program that was run, or of work on several machines. */
  | { readonly kind: 'exit'; readonly code: number };

export const done: Result = { kind: 'done' };

export const text = (line: string): Result => ({ kind: 'text', text: line });

export const exit = (code: number): Result => ({ kind: 'exit', code });

export const value = (
  json: unknown,
  render: () => string | Promise<string>,
  more: { readonly after?: () => Promise<void>; readonly exitCode?: number } = {},
): Result => ({ kind: 'value', value: json, text: render, ...more });

/** Prints a result and gives the exit code. */
export async function show(result: Result, stdout: Output, json: boolean): Promise<number> {
  switch (result.kind) {
    case 'done':
      return 0;
    case 'exit':
      return result.code;
    case 'text':
      print(stdout, result.text);
      return 0;
    case 'value':
      print(stdout, json ? JSON.stringify(result.value, null, 2) : await result.text());
      if (!json) await result.after?.();
      return result.exitCode ?? 0;
  }
}

function print(stdout: Output, lines: string): void {
  stdout.write(lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`);
}
