import { fstatSync, writeSync } from 'node:fs';
import { codeOf } from '../../base/machine-error.ts';
import type { Output } from '../io.ts';

/**
 * stdout or stderr. Text is written by the file's number.
 * A stream takes longer to load than most commands run, so it is loaded for a terminal alone.
 */
export class StandardOutput implements Output {
  readonly #fd: 1 | 2;
  readonly #load: () => NodeJS.WriteStream;
  /** What is written to, once it is set. */
  #stream: NodeJS.WriteStream | undefined;
  #loaded: NodeJS.WriteStream | undefined;
  #lost: NodeJS.ErrnoException | undefined;

  constructor(fd: 1 | 2, load: () => NodeJS.WriteStream) {
    this.#fd = fd;
    this.#load = () => (this.#loaded ??= load().on('error', (error) => this.#fail(error)));
    // A console of Windows takes UTF-8 through the stream alone.
    if (process.platform === 'win32' && isDevice(fd)) this.#stream = this.#load();
  }

  get lost(): NodeJS.ErrnoException | undefined {
    return this.#lost;
  }

  /** The work goes on: it must not be cut off where nobody reads of it. */
  #fail(error: NodeJS.ErrnoException): void {
    this.#lost ??= error;
  }

  get stream(): NodeJS.WriteStream {
    this.#stream ??= this.#load();
    return this.#stream;
  }

  get isTTY(): boolean {
    if (!isDevice(this.#fd)) return false;
    const stream = this.#load();
    // To what is no terminal a stream of Bun's would write without a word of a full disk.
    if (stream.isTTY) this.#stream = stream;
    return stream.isTTY === true;
  }

  get columns(): number | undefined {
    // A terminal that nobody has told its size says 0.
    return this.isTTY ? this.stream.columns || undefined : undefined;
  }

  write(text: string): void {
    if (this.#lost !== undefined) return;
    let rest = Buffer.from(text);
    try {
      while (this.#stream === undefined && rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      // A full pipe that does not wait, which the stream does.
      if (codeOf(error) !== 'EAGAIN') {
        this.#fail(error as NodeJS.ErrnoException);
        return;
      }
    }
    if (rest.length > 0) this.stream.write(rest);
  }

  /** Resolves when all of it is out. */
  async flush(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || this.#lost !== undefined) return;
    const error = await new Promise<Error | null | undefined>((done) => stream.write('', done));
    if (error instanceof Error) this.#fail(error);
  }
}

/** Terminals are; so is /dev/null. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    // Closed, or nothing that can be asked.
    return true;
  }
}
