/** Scripts and signs that take two columns of a terminal, roughly Unicode's East Asian Width. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Columns of a terminal that a line takes. It must be printable. */
export function displayWidth(line: string): number {
  if (/^[\u0020-\u007e]*$/.test(line)) return line.length;
  const widths = [...line].map((sign) => (WIDE.test(sign) ? 2 : /\p{M}|\p{Cf}/u.test(sign) ? 0 : 1));
  return widths.reduce<number>((sum, width) => sum + width, 0);
}

/**
 * Breaks text at its blanks into lines of at most `width` columns. Every word stays whole:
 * one that is longer has a line of its own.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || displayWidth(last) + 1 + displayWidth(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** The same, but a word that is longer than a line is broken. */
export function breakAt(text: string, width: number): string[] {
  return wrap(text, width).flatMap((line) => {
    const parts = [''];
    for (const sign of line) {
      const last = parts.at(-1) ?? '';
      if (displayWidth(last + sign) > width && last !== '') parts.push(sign);
      else parts[parts.length - 1] = last + sign;
    }
    return parts;
  });
}
