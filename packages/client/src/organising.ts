// What people in a call, and its organiser, ask of the host besides talking: links for guests, the lobby, microphones, who has
// to go, and that everybody proves who they are. The host decides; its events say what has come of it.
import { type ConversationId, IDENTIFY_SECONDS } from '@parley/protocol';
import type { Organising } from './api.ts';
import type { Request } from './socket.ts';

const COMMAND_MS = 20_000;

export function createOrganising(conversation: ConversationId, request: Request): Organising {
  return {
    invite: ({ lobby = false, minutes } = {}) =>
      request('guest.invite', { conversation, lobby, ...(minutes ? { minutes } : {}) }, COMMAND_MS),
    links: async () => (await request('guest.links', { conversation }, COMMAND_MS)).links,
    async withdraw(link) {
      await request('guest.withdraw', { conversation, link }, COMMAND_MS);
    },
    async admit(address) {
      await request('call.admit', { conversation, address }, COMMAND_MS);
    },
    async turnAway(address) {
      await request('call.turnAway', { conversation, address }, COMMAND_MS);
    },
    async mute(address) {
      await request('call.mute', { conversation, address }, COMMAND_MS);
    },
    async askToUnmute(address) {
      await request('call.askToUnmute', { conversation, address }, COMMAND_MS);
    },
    async remove(address) {
      await request('call.remove', { conversation, address, because: 'wish' }, COMMAND_MS);
    },
    async raiseTrust(seconds = IDENTIFY_SECONDS.usual) {
      await request('call.raiseTrust', { conversation, seconds }, COMMAND_MS);
    },
    async identify() {
      await request('call.identify', { conversation }, COMMAND_MS);
    },
  };
}
