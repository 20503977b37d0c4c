/**
 * A transcript is a text file that reads like a terminal session. Each case of it is a test.
 *
 *     # a comment
 *     === status names the state of a machine
 *     + machine h1 tcp://192.0.2.10:2376
 *     $ MACHINE_DEBUG=0 mymachine status h1
 *     Running
 *     ! Error id: MM_SOMETHING
 *     ~ \d+ms
 *     ...
 *     exit 0
 *
 * - `===` begins a case, which is named by a sentence. It has a home of its own.
 * - `+` prepares the case. It must succeed, and its output does not matter.
 * - `$` is a command, with its environment in front. What is expected of it follows.
 * - A line without a mark is expected on stdout, one with `!` on stderr.
 * - `~` is a line of stdout as a regular expression, and `!~` one of stderr.
 * - `...` is any number of lines of stdout, and `! ...` of stderr.
 * - `exit` is the exit status. It ends what is expected.
 *
 * Everything but `~` and `...` is compared exactly. A line that begins like one of these marks has
 * a `\` in front. [EOL] stands behind blanks at the end of a line. [NOEOL] stands behind a last
 * line that no newline ends.
 *
 * Words are quoted with '…', or with "…" and JSON's escapes. `<<< "y\n"` is the stdin, which is
 * empty otherwise. [HOME], [STORE], [VERSION] and [FIXTURES] stand for what they say, and [HOST],
 * [USER] and [KEY] for the host of test/e2e.
 *
 * - `+ machine NAME URL` makes a machine of the driver none, a copy of one that the program has
 *   made.
 * - `+ adopted NAME ADDRESS:PORT` makes one of the driver generic. PORT is the engine's. Nothing
 *   listens for SSH.
 * - `+ engine NAME OPTION...` starts a Docker Engine (test/testbed/fake-engine.ts) with a
 *   certificate of the store's CA. [NAME] stands for its address and port. Options: --version,
 *   --api, --min-api, --answers never, and --certificate foreign, expired, expiring, early or
 *   other-name.
 * - Every other line of `+` and `$` runs a program: mymachine, docker-machine (the same under that
 *   name), or one of the system.
 *
 * With MYMACHINE_TRANSCRIPTS=write, what the program really said is written into the transcript,
 * wherever it was not what was expected. Read every line of the difference before you believe it.
 */
export interface Transcript {
  readonly path: string;
  readonly cases: readonly Case[];
}

export interface Case {
  readonly name: string;
  readonly actions: readonly Action[];
}

/** `+`: done before. `$`: tried, with what is expected of it. */
export type Action = { readonly kind: 'setup'; readonly line: number; readonly command: string } | Step;

export interface Step {
  readonly kind: 'step';
  /** Counted from 1; `end` is the line of the exit status. */
  readonly line: number;
  readonly end: number;
  readonly command: string;
  readonly stdout: readonly Expected[];
  readonly stderr: readonly Expected[];
  readonly exit: number;
}

export type Expected =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'pattern'; readonly text: string }
  | { readonly kind: 'any' };

function expectedLine(line: string): { readonly stream: 'stdout' | 'stderr'; readonly expected: Expected } {
  if (line === '...') return { stream: 'stdout', expected: { kind: 'any' } };
  if (line === '! ...') return { stream: 'stderr', expected: { kind: 'any' } };
  if (line.startsWith('~ ')) return { stream: 'stdout', expected: { kind: 'pattern', text: line.slice(2) } };
  if (line.startsWith('!~ ')) return { stream: 'stderr', expected: { kind: 'pattern', text: line.slice(3) } };
  const text = line.replace(/\[EOL\]$/, '');
  if (/^!(?: |$)/.test(text)) return { stream: 'stderr', expected: { kind: 'exact', text: text.slice(2) } };
  return { stream: 'stdout', expected: { kind: 'exact', text: text.replace(/^\\/, '') } };
}

/** Reads a transcript; an Error names the line that is wrong. */
export function parseTranscript(path: string, text: string): Transcript {
  const lines = text.split('\n');
  const cases: { name: string; actions: Action[] }[] = [];
  const wrong = (at: number, why: string) => new Error(`${path}:${at + 1}: ${why}`);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('=== ')) {
      const name = line.slice(4).trim();
      if (!name.includes(' ')) throw wrong(at, 'a case is named by a sentence');
      if (cases.some((other) => other.name === name)) throw wrong(at, `there are two cases "${name}"`);
      finish(cases, at);
      cases.push({ name, actions: [] });
      continue;
    }
    const actions = cases.at(-1)?.actions;
    if (actions === undefined) throw wrong(at, 'this stands before the first case');
    if (line.startsWith('+ ')) {
      actions.push({ kind: 'setup', line: at + 1, command: line.slice(2) });
      continue;
    }
    if (!line.startsWith('$ ')) throw wrong(at, `neither a case nor a command: ${line}`);
    const end = lines.findIndex((other, index) => index > at && /^(?:exit |\$ |\+ |=== )/.test(other));
    const status = /^exit (\d{1,3})$/.exec(lines[end] ?? '')?.[1];
    if (status === undefined) throw wrong(at, 'what is expected of this command does not end with "exit N"');
    const expected = lines.slice(at + 1, end).map(expectedLine);
    const of = (stream: string) =>
      expected.filter((each) => each.stream === stream).map((each) => each.expected);
    actions.push({
      kind: 'step',
      line: at + 1,
      end: end + 1,
      command: line.slice(2),
      stdout: of('stdout'),
      stderr: of('stderr'),
      exit: Number(status),
    });
    at = end;
  }
  finish(cases, lines.length);
  if (cases.length === 0) throw wrong(0, 'there is no case');
  return { path, cases };

  function finish(all: readonly { name: string; actions: Action[] }[], at: number): void {
    const last = all.at(-1);
    if (last !== undefined && !last.actions.some((action) => action.kind === 'step'))
      throw wrong(at - 1, `the case "${last.name}" expects nothing`);
  }
}
