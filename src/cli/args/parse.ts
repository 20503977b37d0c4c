import { nearest } from '../../base/nearest.ts';
import type { FlagSpec, FlagValue, FlagValues } from '../../sdk/flags.ts';
import { cliError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A flag of a command: like a driver's, with an optional one-letter name. */
export interface CommandFlag extends FlagSpec {
  readonly short?: string;
  /** Kept out of help: accepted for docker-machine's sake, or for tests. */
  readonly hidden?: boolean;
}

interface ValueOfKind {
  readonly string: string;
  readonly int: number;
  readonly bool: boolean;
  readonly slice: readonly string[];
}

/** `{ name: 'dry-run', kind: 'bool' }` gives `{ 'dry-run': boolean }`. */
export type ValuesOf<F extends readonly CommandFlag[]> = {
  readonly [S in F[number] as S['name']]: ValueOfKind[S['kind']];
};

/** What was parsed. The names and types of its flags are those that were declared. */
export interface Input<F extends readonly CommandFlag[] = readonly CommandFlag[]> {
  readonly args: readonly string[];
  readonly flags: ValuesOf<F>;
  /** The same, with the flags of a driver and of the program. */
  readonly all: FlagValues;
  /** Whether the command line or the environment gives it, and not its default. */
  isGiven(name: F[number]['name']): boolean;
  /** Whether the command line itself gives it. */
  isTyped(name: F[number]['name']): boolean;
}

interface ParseOptions<F extends readonly CommandFlag[]> {
  readonly flags: F;
  readonly env: Environment;
  /** The first positional argument ends our flags: what follows is somebody else's. */
  readonly stopAtPositional?: boolean;
  /** Passes over unknown flags. A value behind one without `=` counts as positional. */
  readonly lenient?: boolean;
}

const GO_TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const GO_FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Go's strconv.ParseBool. */
export function parseGoBool(text: string): boolean | undefined {
  if (GO_TRUE.includes(text)) return true;
  return GO_FALSE.includes(text) ? false : undefined;
}

function emptyValue(flag: CommandFlag): FlagValue {
  if (flag.kind === 'slice') return [];
  if (flag.kind === 'bool') return false;
  return flag.kind === 'int' ? 0 : '';
}

function convert(flag: CommandFlag, text: string, source: string): FlagValue {
  if (flag.kind === 'bool') {
    const value = parseGoBool(text);
    if (value !== undefined) return value;
    throw cliError(source === 'flag' ? 'MM_USAGE' : 'MM_ENVIRONMENT', {
      message:
        source === 'flag'
          ? `invalid boolean value ${JSON.stringify(text.slice(0, 60))} for -${flag.name}`
          : `Error parsing boolean value from ${source}: ${JSON.stringify(text.slice(0, 60))} is not one of 1, t, true, 0, f, false`,
    });
  }
  if (flag.kind !== 'int') return text;
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isNaN(value)) return value;
  throw cliError(source === 'flag' ? 'MM_USAGE' : 'MM_ENVIRONMENT', {
    message: `invalid value ${JSON.stringify(text.slice(0, 60))} for ${source === 'flag' ? `flag -${flag.name}` : source}: it is not a whole number`,
  });
}

function unknownFlag(name: string, flags: readonly CommandFlag[]): Error {
  const near = nearest(
    name,
    flags.filter((flag) => flag.hidden !== true).map((flag) => flag.name),
  );
  const hint = near === undefined ? {} : { hint: `Did you mean --${near}?` };
  return cliError('MM_USAGE', {
    message: `flag provided but not defined: -${name.slice(0, 100)}`,
    ...hint,
  });
}

/**
 * Go's flag syntax as docker-machine had it: one dash or two, `--flag value` or `--flag=value`.
 * Slices repeat, booleans take a value only after `=`, flags may follow names, `--` ends flags.
 * A value comes from the command line, else the flag's variable, else its default.
 */
export function parseFlags<const F extends readonly CommandFlag[]>(
  argv: readonly string[],
  options: ParseOptions<F>,
): Input<F> {
  const byName = new Map<string, CommandFlag>();
  for (const flag of options.flags) {
    byName.set(flag.name, flag);
    if (flag.short !== undefined) byName.set(flag.short, flag);
  }
  const given = new Map<string, FlagValue>();
  const args: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const token = argv[index] ?? '';
    if (token === '--') {
      args.push(...argv.slice(index + 1));
      break;
    }
    const shape = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(token);
    if (shape === null) {
      if (token.length > 1 && token.startsWith('-') && options.lenient !== true)
        throw cliError('MM_USAGE', { message: `bad flag syntax: ${token.slice(0, 100)}` });
      args.push(token);
      if (options.stopAtPositional === true) {
        args.push(...argv.slice(index + 1));
        break;
      }
      continue;
    }
    const [, name = '', inline] = shape;
    const flag = byName.get(name);
    if (flag === undefined) {
      if (options.lenient === true) continue;
      throw unknownFlag(name, options.flags);
    }
    let text = inline;
    if (text === undefined) {
      if (flag.kind === 'bool') text = 'true';
      else {
        index += 1;
        text = argv[index];
        if (text === undefined) {
          if (options.lenient === true) continue;
          throw cliError('MM_USAGE', { message: `flag needs an argument: -${name}` });
        }
      }
    }
    const value = convert(flag, text, 'flag');
    const before = given.get(flag.name);
    given.set(flag.name, flag.kind === 'slice' ? [...(Array.isArray(before) ? before : []), text] : value);
  }
  return { args, ...withDefaults(options, given) };
}

function withDefaults<F extends readonly CommandFlag[]>(
  options: ParseOptions<F>,
  typed: ReadonlyMap<string, FlagValue>,
): Omit<Input<F>, 'args'> {
  const all: Record<string, FlagValue> = {};
  const given = new Set(typed.keys());
  for (const flag of options.flags) {
    const value = typed.get(flag.name) ?? fromEnvironment(flag, options.env);
    if (value !== undefined) given.add(flag.name);
    all[flag.name] = value ?? flag.default ?? emptyValue(flag);
  }
  // Every declared flag has got a value of its kind.
  const flags = all as ValuesOf<F>;
  return { all, flags, isGiven: (name) => given.has(name), isTyped: (name) => typed.has(name) };
}

/** An empty variable counts as not set, as it did. */
function fromEnvironment(flag: CommandFlag, env: Environment): FlagValue | undefined {
  if (flag.envOwner === 'library') return undefined;
  const text = flag.env === undefined ? undefined : env[flag.env];
  if (flag.env === undefined || text === undefined || text === '') return undefined;
  return flag.kind === 'slice' ? text.split(',').map((item) => item.trim()) : convert(flag, text, flag.env);
}
