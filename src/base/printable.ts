/**
 * Foreign text made safe to print: control characters (C0, DEL, C1, and the bidirectional overrides) are dropped, so that
 * a host or a plugin cannot move the cursor or colour the terminal; the length is bounded in characters.
 * Newlines and tabs stay when `multiline` is set, otherwise they become blanks.
 */
export function printable(text: string, limit = 2000, multiline = false): string {
  // No escape sequence survives without its ESC, but its tail would look like text: drop CSI and OSC whole.
  const plain = text
    .slice(0, limit * 4)
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g, '');
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
