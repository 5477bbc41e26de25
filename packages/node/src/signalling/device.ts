// One registered device: whose it is, what it has still to receive, what it has asked, and its socket while it has one.
import { createHash, randomBytes } from 'node:crypto';
import type { Address, ConversationId, DeviceId, Person } from '@parley/protocol';
import type { FrameSocket } from '../web/frame-socket.ts';
import { type Answers, createAnswers } from './answers.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Rates } from './rates.ts';

/** What the sign-in knows of whoever opened a socket. */
export interface WebSession {
  readonly id: string;
  readonly person: Person;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** A guest: the one conversation that the session is good for. */
  readonly guest?: { readonly conversation: ConversationId };
}

export interface Device {
  readonly id: DeviceId;
  readonly session: WebSession;
  readonly person: Person;
  readonly address: Address;
  readonly outbox: Outbox;
  readonly answers: Answers<FrameSocket>;
  /** Of the device, not of the socket: coming back does not fill it. */
  readonly rates: Rates;
  /** Null while the device is away, for at most the resume window. */
  connection: FrameSocket | null;
  /** False until hello is answered: nothing is handed out before. */
  ready: boolean;
  /** Runs while the device is away; then it is lost. */
  away: NodeJS.Timeout | null;
  /**
   * Not null: the node was restarted since, and what the device had been told and had asked is not known any more.
   * Once its hello is answered it proves with the token from the answer that it knows; then null.
   */
  restored: 'unanswered' | 'answered' | null;
  /** Hashes of the newest resume token and of the one used last: the answer with the newest may have been cut off. */
  tokens: string[];
}

export function createDevice(session: WebSession, connection: FrameSocket, rates: Rates): Device {
  return deviceOf(`d_${randomBytes(16).toString('base64url')}` as DeviceId, session, connection, rates);
}

/** A device that was registered before the node was restarted, and is away. */
export function restoreDevice(
  { id, session, tokens }: { id: DeviceId; session: WebSession; tokens: readonly string[] },
  rates: Rates,
): Device {
  return { ...deviceOf(id, session, null, rates), ready: true, restored: 'unanswered', tokens: [...tokens] };
}

function deviceOf(id: DeviceId, session: WebSession, connection: FrameSocket | null, rates: Rates): Device {
  return {
    id,
    session,
    person: session.person,
    address: session.person.address,
    outbox: createOutbox(),
    answers: createAnswers(),
    rates,
    connection,
    ready: false,
    away: null,
    restored: null,
    tokens: [],
  };
}

/** 256 random bits; the node keeps only the hash. */
export function createResumeToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashToken(token) };
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Puts on the socket whatever the device has not been given, as far as it keeps pace. */
export function flush(device: Device): void {
  const { connection, outbox } = device;
  if (!connection || !device.ready) return;
  while (connection.writable) {
    const text = outbox.next();
    if (text === null) return;
    connection.send(text);
  }
}
