import { resolve } from 'node:path';
import { ipVersion } from '../base/net.ts';
import { driverError } from './errors.ts';

/** What completion offers: these words, files, folders, names. Nothing is refused for it. */
export type Takes = readonly string[] | 'file' | 'folder' | 'driver' | 'machine';

/** A driver's command-line flag. The command line, its help and its completion are made of it. */
export interface FlagSpec {
  /** Without dashes, such as `generic-ip-address`. */
  readonly name: string;
  readonly kind: 'string' | 'int' | 'bool' | 'slice';
  /** The environment variable that is read when the flag is not given. */
  readonly env?: string;
  /**
   * Who else reads that variable.
   * 'shared': other programs read it, too, so it does not choose the driver.
   * 'library': the driver's library alone reads it. The help names it.
   */
  readonly envOwner?: 'shared' | 'library';
  readonly default?: string | number | boolean | readonly string[];
  /** When nobody gives the flag, `configure` gets none: the user's ssh config may say it. */
  readonly sshConfig?: boolean;
  readonly help: string;
  readonly takes?: Takes;
  /** A terminal user is asked for it when it is missing. */
  readonly required?: boolean;
  /** Never shown, logged or stored in config.json. A driver reads it by `context.secret`. */
  readonly secret?: boolean;
}

type FlagMaker = (name: string, help: string, more?: Partial<FlagSpec>) => FlagSpec;

/** Makes the flags of a driver by their kinds. Their names begin with the driver's. */
export function flagMakers(driver: string): Readonly<Record<FlagSpec['kind'], FlagMaker>> {
  const of =
    (kind: FlagSpec['kind'], usual: Partial<FlagSpec> = {}): FlagMaker =>
    (name, help, more) => ({ name: `${driver}-${name}`, kind, help, ...usual, ...more });
  return { string: of('string'), int: of('int'), bool: of('bool'), slice: of('slice', { default: [] }) };
}

export type FlagValue = string | number | boolean | readonly string[];

/** Each flag with its value. A missing string is '', a missing int 0, a missing slice empty. */
export type FlagValues = Readonly<Record<string, FlagValue>>;

/** Reads a driver's flags by kind. Throws MM_DRIVER_FLAGS, exit code 2, for one that is wrong. */
export class FlagReader {
  readonly #values: FlagValues;

  constructor(values: FlagValues) {
    this.#values = values;
  }

  /** undefined when it is missing. */
  protected value(name: string): unknown {
    return this.#values[name];
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** '' when it is missing. */
  text(name: string): string {
    const value = this.value(name) ?? '';
    if (typeof value === 'string') return value;
    throw this.wrong(name, 'Give a text.');
  }

  bool(name: string): boolean {
    const value = this.value(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'Give true or false.');
  }

  /** The words that are not empty. */
  list(name: string): readonly string[] {
    const value = this.value(name) ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
      return value.filter((item) => item !== '');
    throw this.wrong(name, 'Give a list of texts.');
  }

  /** A number without any bounds. 0 when it is missing. */
  number(name: string): number {
    const value = this.value(name) ?? 0;
    return typeof value === 'number' ? value : Number.NaN;
  }

  /** A whole number, both bounds included. */
  int(name: string, least: number, most: number): number {
    const number = this.number(name);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw this.wrong(name, `Give a whole number from ${least} to ${most}.`);
  }

  /** One of the words, whatever its case. `otherwise`, or '' without it, when it is missing. */
  oneOf<const W extends string, const O extends string = ''>(
    name: string,
    words: readonly W[],
    otherwise?: O,
  ): W | O {
    const value = this.text(name);
    if (value === '') return otherwise ?? ('' as O);
    const found = words.find((word) => word.toLowerCase() === value.toLowerCase());
    if (found !== undefined) return found;
    throw this.wrong(name, `Give one of ${words.join(', ')}.`);
  }

  /** A text of that shape, or '' when it is missing. */
  matching(name: string, shape: RegExp, hint: string): string {
    const value = this.text(name);
    if (value === '' || shape.test(value)) return value;
    throw this.wrong(name, hint);
  }

  /** An absolute path, or '' when it is missing. */
  path(name: string): string {
    const value = this.text(name);
    return value === '' ? '' : resolve(value);
  }

  /** A login name as useradd(8) takes it, or `otherwise` when it is missing. */
  userName(name: string, otherwise: string): string {
    const value = this.text(name) || otherwise;
    if (/^[a-z_][a-z0-9_-]{0,31}$/.test(value)) return value;
    throw this.wrong(name, `Give a name such as ${otherwise}: lower-case letters, digits, hyphens.`);
  }

  /** An IP address or a host name, without a port. '' when it is missing. */
  host(name: string): string {
    const value = this.text(name);
    if (value === '' || ipVersion(value) !== 0 || /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,254}$/.test(value))
      return value;
    throw this.wrong(name, 'Give the bare address or name, without a port.');
  }

  /** A network such as 198.51.100.0/24 or 2001:db8::/32. '' when it is missing. */
  cidr(name: string): string {
    const value = this.text(name);
    if (value === '' || isCidr(value)) return value;
    throw this.wrong(name, 'Give a network such as 198.51.100.0/24.');
  }

  /** The same of a list. */
  cidrs(name: string): readonly string[] {
    const values = this.list(name);
    const wrong = values.find((value) => !isCidr(value));
    if (wrong === undefined) return values;
    const hint = 'Give a network such as 198.51.100.0/24, or one address as 198.51.100.7/32.';
    throw this.wrong(name, hint, wrong);
  }

  /** Milliseconds of a duration such as 90s, 5m or 1h. `otherwise` when it is missing. */
  duration(name: string, otherwise: number): number {
    const value = this.text(name);
    if (value === '') return otherwise;
    const [, count, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(value) ?? [];
    const scale = unit === 'h' ? 3_600_000 : unit === 'm' ? 60_000 : unit === 's' ? 1000 : 1;
    if (count !== undefined) return Number(count) * scale;
    throw this.wrong(name, 'Give a duration such as 90s or 5m.');
  }

  /** The error for a value that cannot be. The hint says what can. */
  wrong(name: string, hint: string, value: unknown = this.#values[name] ?? ''): Error {
    return driverError('MM_DRIVER_FLAGS', {
      message: `--${name} cannot be ${JSON.stringify(String(value).slice(0, 100))}`,
      hint,
    });
  }
}

function isCidr(value: string): boolean {
  const [address = '', bits = '', ...more] = value.split('/');
  const kind = ipVersion(address);
  const isLength = /^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128);
  return kind !== 0 && isLength && more.length === 0;
}
