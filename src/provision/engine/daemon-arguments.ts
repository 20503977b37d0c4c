import type { Json } from '../../base/json.ts';
import { type EngineFlag, flagNamed } from './flags.ts';

/** An option on dockerd's command line: which words it takes, and its value; a bool without one is 'true'. */
export interface DaemonArgument {
  /** Index of its first word, and how many words belong to it. */
  readonly at: number;
  readonly words: number;
  /** As written, without dashes: 'host', 'H', 'some-new-option'. */
  readonly name: string;
  readonly flag: EngineFlag | undefined;
  readonly value: string;
}

/** Finds the options among the words behind the program, in the syntax of dockerd (pflag): `--a=b`, `--a b`, `-ab`, `-a b`. */
export function daemonArguments(words: readonly string[]): readonly DaemonArgument[] {
  const found: DaemonArgument[] = [];
  for (let at = 0; at < words.length; at++) {
    const parsed = /^(?:--([^=]+)(?:=([\s\S]*))?|-([A-Za-z])=?([\s\S]*))$/.exec(words[at] ?? '');
    if (parsed === null) continue;
    const name = parsed[1] ?? parsed[3] ?? '';
    const flag = flagNamed(name);
    const attached = parsed[1] === undefined ? parsed[4] || undefined : parsed[2];
    const next = words[at + 1];
    if (attached !== undefined) found.push({ at, words: 1, name, flag, value: attached });
    else if (flag?.type === 'bool' || next === undefined || next.startsWith('-') || next.startsWith('$')) {
      found.push({ at, words: 1, name, flag, value: 'true' });
    } else {
      found.push({ at, words: 2, name, flag, value: next });
      at++;
    }
  }
  return found;
}

/** The value that stands for an option's text in daemon.json, or undefined when the text is none of its type. */
export function jsonValueOf(flag: EngineFlag, text: string): Json | undefined {
  if (flag.type === 'int') return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (flag.type !== 'bool') return text;
  // The spellings that Go's strconv.ParseBool takes.
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}
