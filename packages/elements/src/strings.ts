// Every text of the elements, in one place, so that they can be translated. Only plain text and functions that make
// plain text: markup stays in the elements.

import type { CallNotice, CallView } from '@parley/client';
import { type ErrorCode, errorCatalogue, type Outcome, type Person, type Presence } from '@parley/protocol';

/** "Carol", "Carol and Dave", "Carol, Dave and Erin". */
export function listOfNames(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

export const presenceText: Record<Presence, string> = {
  available: 'Available',
  away: 'Away',
  busy: 'Busy',
  'do-not-disturb': 'Do not disturb',
  'in-a-call': 'In a call',
  offline: 'Offline',
};

/** The error of the sign-in page's `?error=<code>`; a code that the catalogue does not know gets a general sentence. */
export function signInError(code: string): string {
  const known = Object.hasOwn(errorCatalogue, code) ? errorCatalogue[code as ErrorCode].text : null;
  return known ?? 'The sign-in did not work. Try again; if it happens again, tell your administrator.';
}

/** What became of an invitation, for everybody in the call. */
export function invitationEnded(name: string, outcome: Outcome | null): string {
  switch (outcome) {
    case 'declined':
      return `${name} declined`;
    case 'no-answer':
      return `${name} did not answer`;
    case 'cancelled':
      return `The invitation to ${name} was withdrawn`;
    case 'busy':
      return `${name} is in another call`;
    case 'do-not-disturb':
      return `${name} does not want to be disturbed`;
    case 'offline':
      return `${name} is offline`;
    case 'unknown-address':
      return `Nobody has the address of ${name}`;
    case 'unreachable':
      return `${name} cannot be reached: the other company’s service does not answer`;
    case 'refused':
      return `${name}’s company does not take this call`;
    case null:
      return `${name} did not join`;
  }
}

/** The same in one or two words, on a tile. */
export const outcomeText: Record<Outcome, string> = {
  declined: 'Declined',
  'no-answer': 'No answer',
  cancelled: 'Withdrawn',
  busy: 'In another call',
  'do-not-disturb': 'Do not disturb',
  offline: 'Offline',
  'unknown-address': 'Unknown address',
  unreachable: 'Not reachable',
  refused: 'Not accepted',
};

/** "1:05" until a moment of the own clock. */
export function countdown(until: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function noticeText({ kind, person, outcome, path, error }: CallNotice): string {
  const name = person?.name ?? 'Somebody';
  switch (kind) {
    case 'joined':
      return `${name} joined`;
    case 'left':
      return `${name} left`;
    case 'invitation-ended':
      return invitationEnded(name, outcome);
    case 'path-changed':
      return path === 'direct' ? 'The call now runs directly' : 'The call now runs as a conference';
    case 'add-failed':
      return error?.message ?? `${name} could not be added. Try again.`;
    case 'trouble':
      return error?.message ?? 'There is trouble with the connection. The call goes on.';
    case 'recording-started':
      return 'The call is being recorded now';
    case 'recording-filed':
      return 'The recording is ready. You find it under “Recordings”, beside your contacts.';
    case 'recording-ended':
      return 'The recording has ended';
    case 'muted':
      return `${name} switched your microphone off`;
    case 'trust-raised':
      return `${name} asks everybody to prove who they are`;
  }
}

export interface EndedText {
  readonly title: string;
  readonly detail: string;
}

/** Why a call is over, from the point of view of the person who was in it. `others`: everybody else it was with. */
export function endedText(ended: NonNullable<CallView['ended']>, others: readonly Person[]): EndedText {
  const names = listOfNames(others.map((person) => person.name)) || 'The other side';
  switch (ended.reason) {
    case 'left':
      return { title: 'You left the call', detail: 'The others can go on without you.' };
    case 'hung-up':
      return { title: 'The call is over', detail: `You were talking with ${names}.` };
    case 'media-failed':
      return { title: 'The call could not be connected', detail: errorCatalogue['media-not-connected'].text };
    case 'lost':
      return {
        title: 'The connection was lost',
        detail: 'The call ended because the network was away for too long. Check it, then call again.',
      };
    case 'removed':
      return {
        title: 'You were taken out of the call',
        detail: ended.by ? `${ended.by.name} ended your part in it.` : errorCatalogue['not-permitted'].text,
      };
    case 'untrusted':
      if (!ended.untrusted) {
        return {
          title: 'You were taken out of the call',
          detail: 'Everybody was asked to prove who they are, and it could not be verified in time who you are.',
        };
      }
      return {
        title: 'The call was ended for your safety',
        detail: `${ended.untrusted?.person.name ?? names}: ${ended.untrusted?.text ?? errorCatalogue['identity-failed'].text}`,
      };
    case 'not-answered':
      return notAnswered(ended.outcome, names);
  }
}

function notAnswered(outcome: Outcome | null, names: string): EndedText {
  switch (outcome) {
    case 'declined':
      return { title: `${names} declined`, detail: 'Perhaps write first, or try again later.' };
    case 'no-answer':
      return { title: `${names} did not answer`, detail: 'Try again later, or look whether they are online.' };
    case 'cancelled':
      return { title: 'You cancelled the call', detail: `${names} did not answer before that.` };
    case 'busy':
      return { title: `${names} is in another call`, detail: 'Try again in a few minutes.' };
    case 'do-not-disturb':
      return { title: `${names} does not want to be disturbed`, detail: 'Try again later.' };
    case 'offline':
      return { title: `${names} is offline`, detail: 'No device could ring. Try again later.' };
    case 'unknown-address':
      return { title: 'Nobody has this address', detail: errorCatalogue['unknown-address'].text };
    case 'unreachable':
      return { title: `${names} cannot be reached`, detail: errorCatalogue['provider-unreachable'].text };
    case 'refused':
      return {
        title: 'The other company refused the call',
        detail: `${names}’s company does not take calls from yours. Ask your administrator.`,
      };
    case null:
      return { title: text.nobodyAnswered, detail: 'Try again later.' };
  }
}

/** Who rings, and from where: read out when the window opens. */
export function incomingTitle(person: Person): string {
  return `${person.name} is calling`;
}

export const text = {
  // Sign-in
  welcomeTo: (company: string) => `Welcome to ${company}`,
  signInHint: 'Sign in to call your colleagues and people of other companies.',
  signInWith: (issuer: string) => `Sign in with ${issuer}`,
  signOut: 'Sign out',
  signIns: 'Where you are signed in',
  thisBrowser: '(this browser)',
  signedInSince: (since: string) => `Since ${since}`,
  endSignIn: 'Sign out',
  endSignInOf: (browser: string) => `Sign out of ${browser}`,
  provable: 'Others can verify that it is you who calls from this browser.',
  notProvable: 'Others see you as not verified from this browser. Sign out and in again to change that.',
  accounts: 'Accounts elsewhere',
  accountsHint: 'With these you can sign in, too. Others then see who has verified you, and as whom.',
  accountAt: (issuer: string, fixed: boolean) => `At ${issuer}${fixed ? ', linked by your administrator' : ''}`,
  accountLinked: 'The account is linked. You can sign in with it from now on.',
  linkAt: (issuer: string) => `Link an account at ${issuer}`,
  unlink: 'Unlink',
  unlinkOf: (account: string) => `Unlink ${account}`,
  signInAgain: 'Sign in again',
  // People
  you: 'You',
  yourPresence: 'Your presence',
  contacts: 'Contacts',
  searchLabel: 'Search people',
  searchHint: 'Name, or address of any company',
  searching: 'Searching …',
  results: 'Search results',
  resultCount: (count: number) => (count === 1 ? '1 person found' : `${count} people found`),
  nothingFound: (query: string) => `Nobody here is called “${query}”.`,
  nothingFoundAt: (query: string) => `Nobody was found at “${query}”.`,
  wholeAddressHint: 'To find somebody at another company, type the whole address, like name@company.example.',
  clearSearch: 'Clear search',
  noContacts: 'Nobody is here yet. Search for an address to call somebody.',
  call: (name: string) => `Call ${name}`,
  callByConference: (name: string) => `Call ${name} by conference`,
  saveContact: (name: string) => `Add ${name} to contacts`,
  removeContact: (name: string) => `Remove ${name} from contacts`,
  edit: 'Edit',
  editGroup: (company: string) => `Edit contacts of ${company}`,
  done: 'Done',
  emptyTitle: (name: string) => `Hello, ${name}`,
  emptyHint:
    'Pick somebody to call. A call between two runs directly from one to the other; add a third, and it grows into a conference without a break.',
  yourAddress: 'Others reach you at',
  // Ringing
  incomingCall: 'Incoming call',
  from: (company: string) => `from ${company}`,
  about: 'About',
  alsoIn: (names: readonly string[]) => `Also in this call: ${listOfNames(names)}`,
  alreadyConnected: (name: string) => `${name} is already in the conference`,
  accept: 'Accept with video',
  acceptAudio: 'Sound only',
  decline: 'Decline',
  moreWaiting: (count: number) => (count === 1 ? 'One more call is waiting' : `${count} more calls are waiting`),
  leavesPresent: 'Answering ends your part in the present call.',
  rangOff: (name: string) => `${name}’s call no longer rings here: it ended, or another device answered.`,
  // Trust
  trustOf: (name: string, word: string) => `${name}: ${word}. What was checked?`,
  holds: 'Holds',
  doesNotHold: 'Does not hold',
  notChecked: 'Not checked',
  asAccount: (account: string) => ` as ${account}`,
  verifiedBy: (issuer: string) => `Verified by ${issuer}`,
  // Coming in by a link
  invitedBy: (name: string, company: string) => `${name} of ${company} invites you to a call`,
  invitedTo: (title: string) => `About: ${title}`,
  yourName: 'Your name',
  yourNameHint: 'The others see it with the note that you are a guest.',
  enter: 'Join the call',
  askToEnter: 'Ask to join',
  enterAs: (name: string) => `Join as ${name}`,
  withMicrophone: 'Microphone',
  withCamera: 'Camera',
  lobbyHint: 'You wait until the organiser lets you in.',
  waitingTitle: 'You are waiting to be let in',
  waitingHint: 'The organiser has been told. Keep this page open.',
  entering: 'Joining …',
  guest: 'Guest',
  guestName: (name: string) => `${name}, guest`,
  closeWindow: 'You can close this page now.',
  // Inviting by a link
  inviteByLink: 'Invite by link',
  inviteByLinkHint: 'For people without an account. They join as guests with a name of their choice.',
  withLobby: 'Guests wait until the organiser lets them in',
  makeLink: 'Make a link',
  copyLink: 'Copy',
  copied: 'Copied',
  linkReady: 'The link',
  linkEnds: (when: string) => `Good until ${when}, or until the call ends. It is shown only now.`,
  withdrawLink: 'Withdraw',
  openLinks: (count: number) => (count === 1 ? '1 link is open' : `${count} links are open`),
  linkOf: (name: string, when: string) => `By ${name}, until ${when}`,
  // Organising
  peopleInCall: 'People in this call',
  peopleInCallCount: (count: number) => `People in this call: ${count}`,
  organiser: 'Organiser',
  waits: (name: string) => `${name} is waiting to join`,
  waitingPeople: 'Waiting to join',
  admit: 'Admit',
  admitThis: (name: string) => `Admit ${name}`,
  refuse: 'Refuse',
  refuseThis: (name: string) => `Refuse ${name}`,
  muteThis: (name: string) => `Mute ${name}`,
  askUnmute: 'Ask to unmute',
  askUnmuteThis: (name: string, asked: boolean) => `${asked ? 'Asked' : 'Ask'} to unmute: ${name}`,
  unmuteAsked: 'Asked to unmute',
  removeWord: 'Remove',
  removeThis: (name: string) => `Remove ${name} from the call`,
  mutedByWho: (name: string) => `Muted by ${name}`,
  asksUnmute: (name: string) => `${name} asks you to unmute`,
  notNow: 'Not now',
  raiseTrust: 'Ask everybody to prove who they are',
  raiseTrustHint: 'Who cannot be verified within two minutes leaves the call.',
  trustRaised: 'Everybody has to be verified in this call.',
  leavesIn: (clock: string) => `has ${clock} to be verified`,
  proveYourself: (name: string, clock: string) => `${name} asks who you are. You have ${clock} to sign in.`,
  proveTitle: 'Prove who you are',
  proveHint:
    'Sign in, and you come back into this call by yourself. Who does not leaves the call when the time is over.',
  timeLeft: 'Time left',
  signInNow: 'Sign in …',
  somebody: 'The organiser',
  writingForbidden: 'Guests may not write here.',
  // Call
  callWith: (names: readonly string[]) => listOfNames(names) || 'Call',
  callingNow: 'Calling …',
  ringing: 'Ringing …',
  connecting: 'Connecting …',
  waitingForPicture: 'Waiting for sound and picture …',
  muted: 'Microphone off',
  mute: 'Mute microphone',
  unmute: 'Unmute microphone',
  cameraOff: 'Turn camera off',
  cameraOn: 'Turn camera on',
  muteWord: 'Mute',
  unmuteWord: 'Unmute',
  camera: 'Camera',
  cameraNotNow: 'Your screen is shown in place of the camera',
  share: 'Share',
  stop: 'Stop',
  shareScreen: 'Share your screen',
  stopSharing: 'Stop sharing your screen',
  screenOf: (name: string) => `${name} – screen`,
  pin: (name: string) => `Keep ${name} large`,
  unpin: (name: string) => `Show whoever speaks instead of ${name}`,
  yourself: 'yourself',
  add: 'Add',
  addPerson: 'Add a person',
  addHint: 'The call goes on while it rings there.',
  addThis: (name: string) => `Add ${name} to the call`,
  inCall: 'In the call',
  close: 'Close',
  chat: 'Chat',
  openChat: 'Open chat',
  closeChat: 'Close chat',
  unread: (count: number) => (count === 1 ? '1 new message' : `${count} new messages`),
  noMessages: 'No messages yet. What is written here is seen by everybody in the call.',
  writeMessage: 'Write a message',
  send: 'Send',
  leave: 'Leave',
  leaveCall: 'Leave the call',
  cancel: 'Cancel',
  cancelCall: 'Cancel the call',
  withdraw: (name: string) => `Stop ringing ${name}`,
  callLength: 'Length of the call',
  direct: 'Direct',
  conference: 'Conference',
  moving: 'Moving …',
  directHint: 'Sound and picture go straight from one to the other, by no server.',
  conferenceHint: 'Sound and picture go by way of the conference service.',
  movingHint: 'The call is moving to another path. It goes on meanwhile.',
  callControls: 'Call controls',
  notices: 'Notices',
  dismissNotice: 'Dismiss',
  lasted: (clock: string) => `It lasted ${clock}.`,
  nobodyAnswered: 'Nobody answered',
  callAgain: 'Call again',
  backToContacts: 'Back to contacts',
  reconnecting: 'Connection lost. Reconnecting …',
  reconnectingHint: 'Your call goes on.',
  people: (count: number) => `${count} people`,
} as const;
