import type { Socket } from 'node:net';

// Packets of OpenSSH's PROTOCOL.mux, and the fields of RFC 4251 (5) in them.

/** The master takes no longer packet (CHAN_SES_PACKET_DEFAULT is 32 KiB). */
const LONGEST_PACKET = 256 * 1024;

/** Calls `onPacket` with each packet behind its length. One that is too long ends the socket. */
export function readPackets(socket: Socket, onPacket: (packet: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 4) {
      const length = held.readUInt32BE();
      if (length > LONGEST_PACKET) socket.destroy();
      if (length > LONGEST_PACKET || held.length < 4 + length) return;
      const packet = held.subarray(4, 4 + length);
      held = held.subarray(4 + length);
      onPacket(packet);
    }
  });
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

export function framed(bytes: Buffer): Buffer {
  return Buffer.concat([words(bytes.length), bytes]);
}

export function string(value: string | Buffer): Buffer {
  return framed(Buffer.from(value as string));
}

/** The string at an offset; empty for one that goes beyond the end. */
export function stringAt(bytes: Buffer, at: number): Buffer {
  if (bytes.length < at + 4) return Buffer.alloc(0);
  const end = at + 4 + bytes.readUInt32BE(at);
  return end > bytes.length ? Buffer.alloc(0) : bytes.subarray(at + 4, end);
}
