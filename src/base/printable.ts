/**
 * Makes foreign text safe to print: it cannot move the cursor or colour the terminal.
 * Drops control characters (C0, DEL, C1, bidirectional overrides). Bounds the length in characters.
 * Newlines and tabs stay with `multiline`, and become blanks without it.
 */
export function printable(text: string, limit = 2000, multiline = false): string {
  // Sequences for the terminal go whole: without its ESC the tail would look like text.
  const plain = text
    .slice(0, limit * 4)
    .replace(/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g, '')
    .replace(
      /(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:[\u0007\u009c]|\u001b\\)?/g,
      '',
    );
  const spaced = multiline ? plain.replace(/\r\n?/g, '\n') : plain.replace(/[\r\n\t]+/g, ' ');
  const safe = spaced.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    '',
  );
  return safe.length > limit ? `${safe.slice(0, limit)}…` : safe;
}

/** The last `count` lines of foreign text, printable. */
export function lastLines(text: string, count: number, limit = 4000): string {
  return printable(text.trimEnd().split('\n').slice(-count).join('\n').slice(-limit), limit, true);
}
