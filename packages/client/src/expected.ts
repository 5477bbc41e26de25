// Whose sound and picture are to be expected, as far as the conversation knows. Pure.
import type { Address, ConversationState } from '@parley/protocol';
import { type MediaKind, mix } from './path.ts';
import { type SourceKey, sourceKey } from './switcher.ts';

export function expectedOf(
  { participants }: ConversationState,
  me: Address,
  key: SourceKey,
): 'yes' | 'while-flowing' | 'no' {
  const [kind, address] = key.split(' ') as [MediaKind, Address];
  if (key === sourceKey(kind, mix)) return 'while-flowing';
  const person = participants.get(address);
  if (address === me || person?.state !== 'joined') return 'no';
  if (kind === 'video') return person.media.camera ? 'yes' : 'no';
  // A muted microphone is still sent, as silence; but there may be none.
  return person.media.microphone ? 'yes' : 'while-flowing';
}

/** What a mix of all others is made of. */
export function everybodyElse(state: ConversationState, me: Address): SourceKey[] {
  return [...state.participants.keys()]
    .flatMap((address) => [sourceKey('audio', address), sourceKey('video', address)])
    .filter((key) => expectedOf(state, me, key) === 'yes');
}
