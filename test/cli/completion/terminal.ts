import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PATIENCE_MS = 40_000;

/** An interactive shell on a terminal of its own, made by script(1), that a test types into. */
export class Terminal {
  readonly #child: ChildProcess;
  #output = '';

  constructor(command: string, cwd: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd,
      env: { ...env, TERM: 'dumb' },
      stdio: 'pipe',
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#child.stdin?.on('error', () => undefined);
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until `test` holds; fails with what the terminal shows. */
  async until(test: () => boolean, what: string): Promise<void> {
    for (let waited = 0; waited < PATIENCE_MS; waited += 20) {
      if (test()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`waited in vain for ${what}; the terminal shows:\n${this.#output}`);
  }

  shows(text: string): Promise<void> {
    return this.until(() => this.#output.includes(text), text);
  }

  close(): void {
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
  }
}

/** bash says what readline would be told, zsh what is added to the list of matches. */
const PROBES = {
  bash: (script: string, capture: string) => `
PS1='ready> '
bind 'set bell-style none' 'set enable-bracketed-paste off'
source '${script}'
eval "real_$(declare -f _mymachine)"
_mymachine() {
  real__mymachine "$@"
  { for hit in "\${COMPREPLY[@]}"; do printf 'HIT%s\\n' "$hit"; done; echo DONE; } >> '${capture}'
}`,
  zsh: (script: string, capture: string) => `
PS1='ready> '
unset zle_bracketed_paste
setopt no_prompt_cr no_prompt_sp no_beep
autoload -Uz compinit
compinit -u -D
source '${script}'
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  local hit at=$@[(i)-S] end=
  builtin compadd -A hits "$@"
  (( at < $# )) && end=$@[at+1]
  for hit in $hits; do print -r -- "HIT$IPREFIX$hit$end" >> '${capture}'; done
  builtin compadd "$@"
}
complete_quietly() { _main_complete; compstate[insert]= compstate[list]= }
zle -C complete-quietly complete-word complete_quietly
tab() { zle complete-quietly; print DONE >> '${capture}' }
zle -N tab
bindkey '^I' tab`,
};

/** What the shell offers for each line when Tab is pressed at its end. */
export async function pressTab(
  shell: 'bash' | 'zsh',
  script: string,
  lines: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly (readonly string[])[]> {
  const probe = join(cwd, `.probe.${shell}`);
  const capture = join(cwd, `.capture.${shell}`);
  writeFileSync(probe, `${PROBES[shell](script, capture)}\n`);
  const terminal = new Terminal(shell === 'bash' ? 'bash --norc --noprofile -i' : 'zsh -fi', cwd, env);
  const done = () => (existsSync(capture) ? readFileSync(capture, 'utf8').split('DONE\n').slice(0, -1) : []);
  try {
    terminal.type(`. '${probe}'\n`);
    await terminal.shows('ready> ');
    for (const [index, line] of lines.entries()) {
      terminal.type(`${line}\t`);
      await terminal.until(() => done().length > index, `the completion of ${line}`);
      terminal.type('\u0015');
    }
    return done().map((text) =>
      text.split('\n').flatMap((row) => (row.startsWith('HIT') ? [row.slice(3)] : [])),
    );
  } finally {
    terminal.close();
  }
}
