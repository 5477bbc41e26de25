// What the rest of the node sees of signed-in devices: who is there, how to tell them something, who answers requests.
import type { EventEmitter } from 'node:events';
import type {
  Address,
  ConversationId,
  DeviceId,
  DeviceMethod,
  DeviceNotification,
  DeviceParams,
  DeviceResult,
  NotificationParams,
  Person,
} from '@parley/protocol';

/** The device that makes a request, and whose it is; established by the session, never by the message. */
export interface Caller {
  readonly person: Person;
  readonly address: Address;
  readonly device: DeviceId;
  /** A guest, who may only ask about this conversation; null for people. */
  readonly only: ConversationId | null;
}

export interface DeviceEvents {
  /** A device has said hello for the first time (not when it resumes). */
  online: [{ address: Address; device: DeviceId }];
  /** A device has gone for good: said bye, closed its tab, or did not come back within the resume window. */
  gone: [{ address: Address; device: DeviceId; reason: 'bye' | 'lost' }];
}

export interface Devices extends EventEmitter<DeviceEvents> {
  /** Registered devices of a person, those within their resume window included. */
  of(address: Address): readonly DeviceId[];
  ownerOf(device: DeviceId): Address | null;
  /** Numbers, buffers and sends. False: no such device. A device whose buffer overflows is made to start afresh. */
  tell<N extends DeviceNotification>(device: DeviceId, method: N, params: NotificationParams<N>): boolean;
  /** To every device of the person. Returns how many. */
  tellPerson<N extends DeviceNotification>(address: Address, method: N, params: NotificationParams<N>): number;
  /** Sets the one handler of a request. Parameters arrive parsed; the result is checked before it is sent. */
  handle<M extends DeviceMethod>(
    method: M,
    handler: (caller: Caller, params: DeviceParams<M>) => Promise<DeviceResult<M>> | DeviceResult<M>,
  ): void;
}
