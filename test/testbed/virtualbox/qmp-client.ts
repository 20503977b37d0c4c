import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { isObject } from '../../../src/base/json.ts';

type Settle = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** A connection to QEMU's machine protocol, for as long as QEMU lives. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #waiting: Settle[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    // A killed QEMU resets the connection; readline tells that as an error of its own.
    const lines = createInterface(socket).on('line', (line) => this.#hear(JSON.parse(line)));
    for (const emitter of [socket, lines]) emitter.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('QEMU has ended'));
    });
  }

  /** Rejects when nobody listens at that path. */
  static async connect(path: string): Promise<QmpClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new QmpClient(socket);
    await client.run('qmp_capabilities');
    return client;
  }

  /** What a command returns; its error is thrown. */
  run(command: string, options: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: options })}\n`);
    });
  }

  /**
   * A command of QEMU's monitor for people: forwards have
   * none of their own. Gives what it prints; nothing is good.
   */
  async monitor(line: string): Promise<string> {
    return String(await this.run('human-monitor-command', { 'command-line': line })).trim();
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(message: Readonly<Record<string, unknown>>): void {
    if (!('return' in message) && !('error' in message)) return;
    const next = this.#waiting.shift();
    const error = message['error'];
    if (isObject(error)) next?.reject(new Error(`QEMU: ${String(error['desc'])}`));
    else next?.resolve(message['return']);
  }
}
