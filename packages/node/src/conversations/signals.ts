// Passes the set-up of direct paths from device to device. Nothing is kept; both ends must take part in the call.
import {
  type Address,
  activeCall,
  type ConversationId,
  type ConversationState,
  type DeviceId,
  type Domain,
  domainOf,
  type Endpoint,
  ParleyError,
  type Signal,
} from '@parley/protocol';
import type { Federation } from '../federation/api.ts';
import type { Devices } from '../signalling/api.ts';
import { takesPart } from './audience.ts';

export interface SignalFrom {
  readonly address: Address;
  readonly device: DeviceId;
}

/**
 * Sends a signal on its way. Errors: `unknown-conversation`, `not-in-call` when either end does not take part,
 * `provider-...` when the other end's provider is out of reach.
 */
export async function routeSignal(
  deps: { domain: Domain; devices: Devices; federation: Federation },
  state: ConversationState | null,
  from: SignalFrom,
  to: Endpoint,
  signal: Signal,
): Promise<void> {
  const { domain, devices, federation } = deps;
  if (!state || !activeCall(state)) throw new ParleyError('unknown-conversation');
  const target = checkEnds(state, from, to);
  const id: ConversationId = state.id;
  if (domainOf(to.address) !== domain) {
    await federation.request(domainOf(to.address), 'call.signal', { conversation: id, from, to, signal });
    return;
  }
  if (target === null) devices.tellPerson(to.address, 'call.signal', { conversation: id, from, signal });
  else if (devices.ownerOf(target) === to.address)
    devices.tell(target, 'call.signal', { conversation: id, from, signal });
}

/** The device a signal is for; null for all of the person's. A joined person is only heard and met on their one device. */
function checkEnds(state: ConversationState, from: SignalFrom, to: Endpoint): DeviceId | null {
  const sender = state.participants.get(from.address);
  if (!takesPart(sender) || (sender?.state === 'joined' && sender.device !== from.device)) {
    throw new ParleyError('not-in-call', 'the sending device does not take part');
  }
  const receiver = state.participants.get(to.address);
  if (!takesPart(receiver)) throw new ParleyError('not-in-call', 'the receiver does not take part');
  if (receiver?.state === 'joined') {
    if (to.device && to.device !== receiver.device)
      throw new ParleyError('not-in-call', 'that device does not take part');
    return receiver.device;
  }
  return to.device ?? null;
}
