/**
 * A command line of a transcript: `NAME=VALUE... program argument... <<< "what stands on stdin"`.
 */
export interface CommandLine {
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly stdin: string;
}

const BLANKS = /\s*/y;
/**
 * Single quotes take everything as it is, double quotes read
 * JSON's escapes, and nothing else means anything to a shell.
 */
const PIECE = /'([^']*)'|("(?:[^"\\]|\\.)*")|((?:\[[A-Z_]+\]|[\w@%+=:,./~^-])+)/y;

/**
 * Cuts a line into words. `expand` puts values in the place
 * of placeholders; a quoted word in single quotes has none.
 */
function words(line: string, expand: (text: string) => string): string[] {
  const found: string[] = [];
  let at = 0;
  let open = false;
  while (at < line.length) {
    BLANKS.lastIndex = at;
    const blanks = BLANKS.exec(line)?.[0].length ?? 0;
    if (blanks > 0) open = false;
    at += blanks;
    if (at >= line.length) break;
    PIECE.lastIndex = at;
    const piece = PIECE.exec(line);
    if (piece === null) throw new Error(`quote what begins here: ${line.slice(at)}`);
    const [all, single, double, bare] = piece;
    const text = single ?? expand(double === undefined ? (bare ?? '') : (JSON.parse(double) as string));
    if (open) found.push(`${found.pop() ?? ''}${text}`);
    else found.push(text);
    open = true;
    at += all.length;
  }
  return found;
}

/** Throws an Error that says what is wrong with the line. */
export function readCommandLine(text: string, expand: (text: string) => string): CommandLine {
  const [command = '', input, ...more] = text.split(' <<< ');
  if (more.length > 0) throw new Error('it has two standard inputs');
  const stdin = input === undefined ? [''] : words(input, expand);
  if (stdin.length !== 1) throw new Error('<<< takes one word');
  const argv = words(command, expand);
  const env: Record<string, string> = {};
  while (/^[A-Za-z_]\w*=/.test(argv[0] ?? '')) {
    const [name = '', ...value] = (argv.shift() ?? '').split('=');
    env[name] = value.join('=');
  }
  if (argv.length === 0) throw new Error('it names no program');
  return { env, argv, stdin: stdin[0] ?? '' };
}
