import type { Clock, Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { Output } from '../io.ts';
import type { Say } from './render-error.ts';

export interface StepTime {
  readonly title: string;
  readonly depth: number;
  readonly ms: number;
  readonly ok: boolean;
}

export interface Ticker {
  /** Calls `work` again and again, until what it gives is called. It keeps no process alive. */
  every(ms: number, work: () => void): () => void;
}

export interface ReportOptions {
  readonly clock: Clock & Ticker;
  /** info and steps: stdout as docker-machine had it, or stderr where stdout is evaluated. */
  readonly talk: Output;
  readonly stderr: Output;
  readonly debug: boolean;
  /** Asked when there is something to colour. */
  readonly colour: () => boolean;
  /** How the program is called in what we say. */
  readonly say: Say;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

/** 31 red, 32 green, 33 yellow. */
function coloured(code: number, text: string): string {
  return `\u001b[${code}m${text}\u001b[39m`;
}

export function formatDuration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  return `${Math.floor(ms / 60_000)}m${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')}s`;
}

function formatAmount(value: number, unit: 'bytes' | 'items'): string {
  return unit === 'items' ? String(value) : `${(value / 1_048_576).toFixed(1)} MiB`;
}

/** On a terminal a step has a spinner and ends with its time; in a pipe it is a plain line. */
export class ConsoleReport implements Report {
  readonly times: StepTime[] = [];
  readonly #options: ReportOptions;
  #running: { title: string; begin: number; amount: string }[] = [];
  #stopSpinner: (() => void) | undefined;
  #frame = 0;
  #lastPlainProgress = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  get #live(): boolean {
    return this.#options.talk.isTTY;
  }

  info(message: string): void {
    this.#line(this.#options.talk, this.#options.say(message));
  }

  warn(message: string): void {
    const said = this.#options.say(message);
    const text = this.#options.colour() ? coloured(33, said) : said;
    this.#line(this.#options.stderr, text);
  }

  debug(scope: string, message: string): void {
    if (this.#options.debug) this.#line(this.#options.stderr, `(${scope}) ${printable(message, 4000, true)}`);
  }

  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const begin = this.#options.clock.now();
    const entry = { title, begin, amount: '' };
    const depth = this.#running.length;
    if (!this.#live) this.#line(this.#options.talk, title);
    this.#running.push(entry);
    // In the order of their beginning, so that a step stands above what it is made of.
    const place = this.times.push({ title, depth, ms: 0, ok: false }) - 1;
    this.#spin();
    let ok = false;
    try {
      const value = await work();
      ok = true;
      return value;
    } finally {
      this.#running = this.#running.filter((other) => other !== entry);
      const ms = this.#options.clock.now() - begin;
      this.times[place] = { title, depth, ms, ok };
      if (this.#live) this.#finished(title, depth, ms, ok);
      this.#spin();
    }
  }

  progress(title: string, done: number, total: number, unit: 'bytes' | 'items'): void {
    const share = total > 0 ? ` ${Math.floor((100 * done) / total)}%` : '';
    const amount = `${formatAmount(done, unit)}${total > 0 ? ` of ${formatAmount(total, unit)}` : ''}${share}`;
    const running = this.#running.at(-1);
    if (this.#live && running !== undefined) {
      running.amount = amount;
      return;
    }
    // A log wants to know that it goes on, not every percent.
    const now = this.#options.clock.now();
    if (now - this.#lastPlainProgress < 10_000 && done !== total) return;
    this.#lastPlainProgress = now;
    this.#line(this.#options.talk, `${title}: ${amount}`);
  }

  #line(output: Output, text: string): void {
    const drawn = this.#running.length > 0 && this.#live;
    if (drawn) this.#options.talk.write(CLEAR_LINE);
    output.write(`${text}\n`);
    if (drawn) this.#draw();
  }

  #finished(title: string, depth: number, ms: number, ok: boolean): void {
    const mark = ok ? '✓' : '✗';
    const shown = this.#options.colour() ? coloured(ok ? 32 : 31, mark) : mark;
    this.#options.talk.write(
      `${CLEAR_LINE}${'  '.repeat(depth)}${shown} ${title.replace(/\.\.\.$/, '')}  ${formatDuration(ms)}\n`,
    );
  }

  /** The spinner turns while a step runs. */
  #spin(): void {
    if (!this.#live) return;
    if (this.#running.length === 0) {
      this.#stopSpinner?.();
      this.#stopSpinner = undefined;
      return;
    }
    this.#draw();
    this.#stopSpinner ??= this.#options.clock.every(FRAME_MS, () => {
      this.#frame = (this.#frame + 1) % FRAMES.length;
      this.#draw();
    });
  }

  #draw(): void {
    const running = this.#running.at(-1);
    if (running === undefined) return;
    const time = formatDuration(this.#options.clock.now() - running.begin);
    const columns = this.#options.talk.columns ?? 80;
    const text = `${'  '.repeat(this.#running.length - 1)}${FRAMES[this.#frame]} ${running.title}  ${time}  ${running.amount}`;
    this.#options.talk.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
  }
}
