import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import type { Connection } from '../session/exec.ts';
import { framed, readPackets, string, stringAt, words } from './mux-packets.ts';

// OpenSSH's PROTOCOL.mux: after a greeting, a client in proxy mode exchanges the messages of RFC
// 4254 with the host by way of the master's socket. The master encrypts, and numbers the channels.

const HELLO = 1;
const VERSION = 4;
const PROXY = 0x1000000f;
const PROXY_GRANTED = 0x8000000f;
/** What the host may send ahead of what was read, in bytes. */
const WINDOW = 2 * 1024 * 1024;
const PACKET = 32 * 1024;

/** Message numbers of RFC 4254 (9). */
const MESSAGE = {
  globalRequest: 80,
  requestFailure: 82,
  open: 90,
  openConfirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

type Callback<C> = (error: Error | undefined, channel: C) => void;

/** Channels over a master of the system's ssh, as ssh2's Client opens them. */
export class MuxConnection extends EventEmitter implements Connection {
  readonly #socket: Socket;
  readonly #channels = new Map<number, MuxChannel>();
  readonly #onEnd: () => void;
  #next = 0;
  #isLost = false;

  /** @param onEnd ends the master. */
  constructor(socket: Socket, onEnd: () => void) {
    super();
    this.#socket = socket;
    this.#onEnd = onEnd;
  }

  /** Asks the master at a socket for proxy mode. */
  static async open(path: string, onEnd: () => void, signal: AbortSignal): Promise<MuxConnection> {
    const socket = connect(path);
    socket.on('error', () => undefined);
    const made = new MuxConnection(socket, onEnd);
    const granted = new Promise<void>((resolve, reject) => {
      let isGranted = false;
      readPackets(socket, (packet) => {
        if (isGranted) return made.#take(packet);
        const type = packet.length < 4 ? 0 : packet.readUInt32BE();
        if (type === HELLO) return;
        isGranted = type === PROXY_GRANTED;
        if (isGranted) resolve();
        else reject(new Error("the system's ssh does not hand its connection on (OpenSSH 7.4 does)"));
      });
      socket.once('close', () => reject(new Error("the system's ssh has closed its control socket")));
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    // Not waiting for the connection, whose failure closes the socket.
    socket.write(framed(words(HELLO, VERSION)));
    socket.write(framed(words(PROXY, 0)));
    try {
      await granted;
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return made;
  }

  exec(line: string, _options: object, callback: Callback<MuxChannel>): void {
    this.#open('session', Buffer.alloc(0), (error, channel) => {
      if (error !== undefined) return callback(error, channel);
      channel.request('exec', string(line), (isDone) => {
        if (isDone) return callback(undefined, channel);
        channel.close();
        callback(new Error('Unable to exec'), channel);
      });
    });
  }

  openssh_forwardOutStreamLocal(path: string, callback: Callback<MuxChannel>): void {
    this.#open(
      'direct-streamlocal@openssh.com',
      Buffer.concat([string(path), string(''), words(0)]),
      callback,
    );
  }

  shell(_pty: unknown, callback: Callback<never>): void {
    callback(new Error('the built-in terminal needs the built-in client'), undefined as never);
  }

  sftp(callback: Callback<never>): void {
    callback(new Error("the system's scp is needed, and is not in PATH"), undefined as never);
  }

  end(): void {
    this.#onEnd();
    this.lose(undefined);
  }

  /** The master has ended. Every channel is closed. */
  lose(cause: Error | undefined): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#socket.destroy();
    if (cause !== undefined && this.listenerCount('error') > 0) this.emit('error', cause);
    this.emit('close');
    for (const channel of this.#channels.values()) channel.onClose();
    this.#channels.clear();
  }

  /** Sends a message of RFC 4254, in a packet without padding. */
  send(type: number, ...parts: readonly Buffer[]): void {
    if (!this.#isLost) this.#socket.write(framed(Buffer.concat([Buffer.from([0, type]), ...parts])));
  }

  forget(id: number): void {
    this.#channels.delete(id);
  }

  #open(kind: string, more: Buffer, callback: Callback<MuxChannel>): void {
    if (this.#isLost) throw new Error('Not connected');
    const id = this.#next;
    this.#next += 1;
    const channel = new MuxChannel(this, id, kind === 'session', callback);
    this.#channels.set(id, channel);
    this.send(MESSAGE.open, string(kind), words(id, WINDOW, PACKET), more);
  }

  #take(packet: Buffer): void {
    const type = packet[1];
    const rest = packet.subarray(2);
    // The master itself answers the host's global requests. One that it hands on is not for us.
    if (type === undefined || type === MESSAGE.globalRequest || rest.length < 4) return;
    const channel = this.#channels.get(rest.readUInt32BE());
    channel?.onMessage(type, rest.subarray(4));
  }
}

/** A channel of a session or to a socket. Emits `exit` like ssh2's, and `close` once it is read. */
class MuxChannel extends Duplex {
  readonly stderr: Readable;
  readonly #mux: MuxConnection;
  readonly #id: number;
  readonly #isSession: boolean;
  #opened: Callback<MuxChannel> | undefined;
  /** The host's number of the channel. */
  #peer = 0;
  #peerPacket = PACKET;
  #window = 0;
  #unread = 0;
  #replies: ((isDone: boolean) => void)[] = [];
  /** What waits for the host's window. */
  #pending: { readonly left: Buffer; readonly done: () => void } | undefined;
  #isCloseSent = false;
  #isClosed = false;
  #isAtEof = false;

  constructor(mux: MuxConnection, id: number, isSession: boolean, opened: Callback<MuxChannel>) {
    super({ allowHalfOpen: true });
    this.#mux = mux;
    this.#id = id;
    this.#isSession = isSession;
    this.#opened = opened;
    this.stderr = new Readable({ read: () => this.#grant() });
    // `close` tells that all was read, so stdout ends behind stderr.
    this.stderr.once('end', () => this.push(null));
    if (!isSession) this.stderr.resume();
  }

  /** Asks something about the channel, and gets the host's answer. */
  request(name: string, more: Buffer, replied: (isDone: boolean) => void): void {
    this.#replies.push(replied);
    this.#mux.send(MESSAGE.request, words(this.#peer), string(name), Buffer.from([1]), more);
  }

  close(): void {
    if (this.#isCloseSent) return;
    this.#isCloseSent = true;
    this.#mux.send(MESSAGE.close, words(this.#peer));
  }

  /** A message of the host about this channel, behind the channel's number. */
  onMessage(type: number, body: Buffer): void {
    if (type === MESSAGE.openConfirmation && body.length >= 12) {
      this.#peer = body.readUInt32BE(0);
      this.#window = body.readUInt32BE(4);
      this.#peerPacket = Math.min(Math.max(body.readUInt32BE(8), 1), PACKET);
      this.#answer(undefined);
    } else if (type === MESSAGE.openFailure) {
      this.#mux.forget(this.#id);
      this.#answer(new Error(`Channel open failure: ${stringAt(body, 4).toString()}`));
    } else if (type === MESSAGE.windowAdjust && body.length >= 4) {
      this.#window += body.readUInt32BE();
      this.#flush();
    } else if (type === MESSAGE.data) this.#read(this, stringAt(body, 0));
    else if (type === MESSAGE.extendedData) this.#read(this.stderr, stringAt(body, 4));
    else if (type === MESSAGE.eof && !this.#isSession) this.#onEof();
    else if (type === MESSAGE.success) this.#replies.shift()?.(true);
    else if (type === MESSAGE.failure) this.#replies.shift()?.(false);
    else if (type === MESSAGE.request) this.#takeRequest(body);
    else if (type === MESSAGE.close) this.onClose();
  }

  /** The host has closed the channel, or is gone. */
  onClose(): void {
    if (this.#isClosed) return;
    this.close();
    this.#isClosed = true;
    this.#mux.forget(this.#id);
    this.#answer(new Error('connection closed'));
    for (const reply of this.#replies.splice(0)) reply(false);
    this.#pending?.done();
    this.#pending = undefined;
    this.stderr.push(null);
    this.end();
  }

  override _read(): void {
    this.#grant();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#isClosed || this.#isCloseSent) done();
    else this.#pending = { left: chunk, done };
    this.#flush();
  }

  override _final(done: () => void): void {
    if (!this.#isClosed && !this.#isCloseSent) this.#mux.send(MESSAGE.eof, words(this.#peer));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.close();
    done(error);
  }

  #answer(error: Error | undefined): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.(error, this);
  }

  #takeRequest(body: Buffer): void {
    const name = stringAt(body, 0).toString();
    const at = 4 + name.length;
    const more = body.subarray(at + 1);
    if (name === 'exit-status' && more.length >= 4) this.emit('exit', more.readUInt32BE());
    else if (name === 'exit-signal') this.emit('exit', null, `SIG${stringAt(more, 0).toString()}`);
    else if (body[at] === 1) this.#mux.send(MESSAGE.failure, words(this.#peer));
  }

  #onEof(): void {
    this.#isAtEof = true;
    this.push(null);
  }

  #read(stream: Readable, data: Buffer): void {
    // A host that ignores the window loses what it sends, and does not fill our memory.
    if (this.#isAtEof || this.#unread > 2 * WINDOW) return;
    this.#unread += data.length;
    if (stream.push(data)) this.#grant();
  }

  /** Lets the host send more once half of its window is used up. */
  #grant(): void {
    if (this.#unread < WINDOW / 2 || this.#isClosed) return;
    this.#mux.send(MESSAGE.windowAdjust, words(this.#peer, this.#unread));
    this.#unread = 0;
  }

  #flush(): void {
    while (this.#pending !== undefined && (this.#window > 0 || this.#pending.left.length === 0)) {
      const { left, done } = this.#pending;
      const size = Math.min(left.length, this.#window, this.#peerPacket);
      this.#window -= size;
      this.#pending = size === left.length ? undefined : { left: left.subarray(size), done };
      if (size > 0) this.#mux.send(MESSAGE.data, words(this.#peer), string(left.subarray(0, size)));
      if (size === left.length) done();
    }
  }
}
