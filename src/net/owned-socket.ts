/** Sockets that know whose they are, so that their listeners are the same functions for all: none is made for each connection. */
import type { Socket } from 'node:net';

/** Hears of its socket. */
export interface SocketOwner {
  /** Bytes have come. */
  received(bytes: Buffer): void;
  /** The peer has sent its last byte. */
  inputEnded(): void;
  /** It has room again. */
  sendMore(): void;
  socketClosed(): void;
}

const ownerOf = Symbol('owner');

interface OwnedSocket extends Socket {
  [ownerOf]: SocketOwner;
}

export function own(socket: Socket, owner: SocketOwner): void {
  (socket as OwnedSocket)[ownerOf] = owner;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('error', onError);
  socket.on('close', onClose);
}

/** Leaves a plain socket to TLS; its errors stay ours to swallow. */
export function disown(socket: Socket): void {
  socket.off('data', onData);
  socket.off('end', onEnd);
  socket.off('drain', onDrain);
  socket.off('close', onClose);
}

function onData(this: Socket, bytes: Buffer): void {
  (this as OwnedSocket)[ownerOf].received(bytes);
}

function onEnd(this: Socket): void {
  (this as OwnedSocket)[ownerOf].inputEnded();
}

function onDrain(this: Socket): void {
  (this as OwnedSocket)[ownerOf].sendMore();
}

function onClose(this: Socket): void {
  (this as OwnedSocket)[ownerOf].socketClosed();
}

/** 'close' follows, and tells everybody. */
function onError(): void {}
