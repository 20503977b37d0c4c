/**
 * Text for roff (man(7)) that comes out as it is: a minus that can be copied into a terminal, quotes and accents that no
 * formatter makes nicer, and characters outside of ASCII by their numbers.
 */
export function roff(text: string): string {
  const marks: Readonly<Record<string, string>> = {
    '\\': '\\e',
    '-': '\\-',
    "'": '\\(aq',
    '"': '\\(dq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
  };
  return text
    .replace(/[\\\-'"`^~]/g, (mark) => marks[mark] ?? mark)
    .replace(
      /[^\x20-\x7e]/gu,
      (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}

const WIDTH = 76;

/** Lines that are filled, none long; what would begin a request does not. */
export function prose(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).map(roff)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map(verbatim).join('\n');
}

/** One line as it is, of text that is in roff's terms already. */
const verbatim = (line: string) => line.replace(/^\./, '\\&.');

/** One line as it is. */
export const literal = (text: string) => verbatim(roff(text));

export const bold = (text: string) => `\\fB${roff(text)}\\fR`;

export const italic = (text: string) => `\\fI${roff(text)}\\fR`;
