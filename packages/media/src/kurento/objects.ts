// The server's objects as functions: each a request of the protocol. An object's listener is set before the server is
// asked for the event, and taken away before the object is released.
import type { Connection, EngineLog } from './connection.ts';
import { KurentoError, type KurentoEvent, OBJECT_NOT_FOUND, readText } from './messages.ts';

export type MediaType = 'AUDIO' | 'VIDEO';

export interface Objects {
  /** The new object's name. */
  create(type: string, constructorParams: Readonly<Record<string, unknown>>): Promise<string>;
  /** What the operation returns; null for nothing. `deadline` in milliseconds. */
  invoke(
    object: string,
    operation: string,
    operationParams?: Readonly<Record<string, unknown>>,
    deadline?: number,
  ): Promise<unknown>;
  /** Calls back on every such event, also those that come before this resolves. */
  subscribe(object: string, type: string, listener: (data: KurentoEvent['data']) => void): Promise<void>;
  /** Nothing more is heard of the object. */
  forget(object: string): void;
  /** Ends an object with everything it contains. Never throws: what cannot be released now ends with the session. */
  release(object: string): Promise<void>;
  /** Whoever asks an object anything keeps it alive, whosever it is; this takes that back. Never throws. */
  letGo(object: string): Promise<void>;
}

export function objectsOf(connection: Connection, log: EngineLog): Objects {
  const gone = (error: unknown) => error instanceof KurentoError && error.code === OBJECT_NOT_FOUND;
  async function quietly(asked: Promise<unknown>, object: string): Promise<void> {
    try {
      await asked;
    } catch (error) {
      if (!gone(error) && !connection.isLost()) log.warn({ object, err: error }, 'a Kurento object was not released');
    }
  }
  return {
    async create(type, constructorParams) {
      return readText(await connection.request('create', { type, constructorParams }));
    },
    invoke: (object, operation, operationParams = {}, deadline = undefined) =>
      connection.request('invoke', { object, operation, operationParams }, deadline),
    async subscribe(object, type, listener) {
      connection.listen(object, type, listener);
      await connection.request('subscribe', { object, type });
    },
    forget: (object) => connection.forget(object),
    release(object) {
      connection.forget(object);
      return quietly(connection.request('release', { object }), object);
    },
    letGo: (object) => quietly(connection.request('unref', { object }), object),
  };
}
