import type { Report } from '../../base/ports.ts';
import type { Output } from '../io.ts';
import { displayWidth } from './wrap.ts';

/**
 * Text at the end of a terminal that is drawn again in its place. It moves nothing but the cursor,
 * which stays visible and below the text, so that an end at any time leaves a clean terminal.
 */
export class LiveText {
  readonly #output: Output;
  #drawn: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws as many lines as there is room for above the cursor's own. */
  draw(text: string): void {
    const shown: string[] = [];
    let room = this.#rows - 1;
    for (const line of text.trimEnd().split('\n')) {
      room -= this.#height(line);
      if (room >= 0) shown.push(line);
    }
    this.#output.write(`${this.#back()}${shown.map((line) => `${line}\n`).join('')}`);
    this.#drawn = shown;
  }

  erase(): void {
    this.#output.write(this.#back());
    this.#drawn = [];
  }

  /** The same report. What it says stands above the text, which has to be drawn anew. */
  above(report: Report, changed: () => void): Report {
    const say =
      <T extends readonly string[]>(work: (...words: T) => void) =>
      (...words: T) => {
        this.erase();
        work(...words);
        changed();
      };
    return {
      info: say((message: string) => report.info(message)),
      warn: say((message: string) => report.warn(message)),
      debug: say((scope: string, message: string) => report.debug(scope, message)),
      step: (_, work) => work(),
      progress: () => undefined,
    };
  }

  get #rows(): number {
    return this.#output.stream.rows || 24;
  }

  /** A terminal that became narrower since has wrapped what was drawn. */
  #height(line: string): number {
    return Math.max(1, Math.ceil(displayWidth(line) / (this.#output.columns ?? 80)));
  }

  #back(): string {
    const height = this.#drawn.reduce((sum, line) => sum + this.#height(line), 0);
    const up = Math.min(height, this.#rows - 1);
    return up === 0 ? '' : `\r\u001b[${up}A\u001b[J`;
  }
}
