// All elements, registered. What they need comes by properties from the SDK; what they ask for goes out as events.
export { ParleyAddPerson } from './add-person.ts';
export { ParleyAvatar } from './avatar.ts';
export { ParleyCall } from './call.ts';
export { ParleyCallBar } from './call-bar.ts';
export { ParleyCallEnded } from './call-ended.ts';
export { ParleyCallHeader } from './call-header.ts';
export { ParleyChat } from './chat.ts';
export { listen, type ParleyEvents } from './events.ts';
export { ParleyIncoming } from './incoming.ts';
export { ParleyPeople } from './people.ts';
export { ParleyPersonRow } from './person-row.ts';
export { ParleyPresenceMenu } from './presence-menu.ts';
export { ParleySignIn } from './sign-in.ts';
export { ParleyTile } from './tile.ts';
export { ParleyTiles } from './tiles.ts';
export { ParleyToasts } from './toasts.ts';
export { ParleyTrust } from './trust.ts';
export { ParleyWorkspace } from './workspace.ts';
