import { type Budget, typeName, type Value } from '../value.ts';
import { type Directive, formatted, goText, plainDirective } from './print.ts';

/** Go takes up to a million; a column of a terminal needs no more than this. */
const maxWidth = 10_000;
const maxPrecision = 100;
/** Go ignores numbers from here on. */
const tooLarge = 1_000_000;

/** fmt.Sprintf, with widths from arguments (`*`) and arguments by number (`%[1]d`). */
export function sprintf(format: string, values: readonly Value[], budget: Budget): string {
  return new Formatting(format, values, budget).run();
}

class Formatting {
  readonly #format: string;
  readonly #values: readonly Value[];
  readonly #budget: Budget;
  readonly #out: string[] = [];
  #at = 0;
  /** The argument that is next. */
  #argument = 0;
  /** An argument was asked for by number, so others may be left over. */
  #reordered = false;
  #isGoodNumber = true;
  /** A number in brackets came right before. */
  #afterNumber = false;

  constructor(format: string, values: readonly Value[], budget: Budget) {
    this.#format = format;
    this.#values = values;
    this.#budget = budget;
  }

  run(): string {
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at);
      const end = percent < 0 ? this.#format.length : percent;
      this.#write(this.#format.slice(this.#at, end));
      this.#at = end + 1;
      if (percent >= 0) this.#one();
    }
    const left = this.#values.slice(this.#argument);
    if (!this.#reordered && left.length > 0) {
      const shown = left.map((value) =>
        value === undefined || value === null ? '<nil>' : `${typeName(value)}=${goText(value, this.#budget)}`,
      );
      this.#write(`%!(EXTRA ${shown.join(', ')})`);
    }
    return this.#out.join('');
  }

  /** One directive; its % is behind us. */
  #one(): void {
    this.#isGoodNumber = true;
    this.#afterNumber = false;
    const flags = this.#match(/[-+# 0]*/y);
    this.#number();
    const given = this.#width();
    const precision = this.#precision();
    if (!this.#afterNumber) this.#number();
    if (this.#at >= this.#format.length) {
      this.#write('%!(NOVERB)');
      return;
    }
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0);
    this.#at += verb.length;
    if (verb === '%') this.#write('%');
    else if (!this.#isGoodNumber) this.#write(`%!${verb}(BADINDEX)`);
    else if (this.#argument >= this.#values.length) this.#write(`%!${verb}(MISSING)`);
    else {
      const directive = directiveOf(verb, flags, given, precision);
      this.#write(formatted(this.#values[this.#argument++], directive, this.#budget));
    }
  }

  #width(): number {
    if (this.#format[this.#at] === '*') return this.#starred('%!(BADWIDTH)') ?? 0;
    const width = this.#digits();
    if (this.#afterNumber && width !== undefined) this.#isGoodNumber = false;
    return width ?? 0;
  }

  #precision(): number | undefined {
    // To Go a point at the very end is a verb.
    if (this.#format[this.#at] !== '.' || this.#at + 1 >= this.#format.length) return undefined;
    this.#at++;
    if (this.#afterNumber) this.#isGoodNumber = false;
    this.#number();
    if (this.#format[this.#at] !== '*') return this.#digits() ?? 0;
    const precision = this.#starred('%!(BADPREC)', 0);
    return precision;
  }

  /** A number from the next argument. For anything but an int the output says so. */
  #starred(problem: string, least = -tooLarge): number | undefined {
    this.#at++;
    this.#afterNumber = false;
    const value = this.#values[this.#argument];
    if (this.#argument < this.#values.length) this.#argument++;
    const number = typeof value === 'bigint' ? Number(value) : Number.NaN;
    if (number >= least && number <= tooLarge) return number;
    this.#write(problem);
    return undefined;
  }

  /** `[3]`: the next argument is the third. */
  #number(): void {
    this.#afterNumber = false;
    if (this.#format[this.#at] !== '[') return;
    this.#reordered = true;
    const found = this.#match(/\[[^\]]*\]/y);
    const written = /^\[(\d{1,7})\]$/.exec(found)?.[1];
    if (found === '') this.#at++;
    const index = Number(written) - 1;
    this.#afterNumber = written !== undefined;
    if (index >= 0 && index < this.#values.length) this.#argument = index;
    else this.#isGoodNumber = false;
  }

  #digits(): number | undefined {
    const digits = this.#match(/\d+/y);
    if (digits === '') return undefined;
    if (Number(digits) <= tooLarge * 10) return Number(digits);
    // Go gives up on such a format.
    this.#at = this.#format.length;
    return undefined;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#format)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #write(text: string): void {
    this.#out.push(this.#budget.text(text));
  }
}

function directiveOf(verb: string, flags: string, width: number, precision: number | undefined): Directive {
  const minus = flags.includes('-') || width < 0;
  const isValue = verb === 'v';
  return {
    ...plainDirective,
    verb,
    minus,
    plus: flags.includes('+') && !isValue,
    sharp: flags.includes('#') && !isValue,
    space: flags.includes(' '),
    zero: flags.includes('0') && !minus,
    goSyntax: flags.includes('#') && isValue,
    width: Math.min(Math.abs(width), maxWidth),
    precision: precision === undefined ? undefined : Math.min(precision, maxPrecision),
  };
}
