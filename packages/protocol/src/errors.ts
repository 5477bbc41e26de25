// The one catalogue of errors: a code for programs, a sentence for people that says what to do next, and whether the
// same request may succeed later. Everything that crosses a socket uses these codes.
import { z } from 'zod';

export const errorCatalogue = {
  // The message itself
  'malformed-message': {
    text: 'The message is not valid JSON-RPC. Reload the page; if it happens again, report it.',
    retry: false,
  },
  'message-too-large': { text: 'The message is too large. Send less at once.', retry: false },
  'unknown-method': {
    text: 'The other side does not know this request. One of the two needs an update.',
    retry: false,
  },
  'invalid-parameters': { text: 'The request has a missing or wrong value. The details name it.', retry: false },
  'out-of-turn': {
    text: 'This request does not fit what is going on right now. Look at the current state and try again.',
    retry: false,
  },
  'too-many-requests': { text: 'Too many requests at once. Wait a moment, then try again.', retry: true },
  'unsupported-version': {
    text: 'The two sides speak different versions of the protocol. Reload the page or update the node.',
    retry: false,
  },
  'internal-error': {
    text: 'Something went wrong in the service. Try again; if it happens again, tell your administrator.',
    retry: true,
  },
  // Sign-in and session
  'not-signed-in': { text: 'You are not signed in. Sign in and try again.', retry: false },
  'session-expired': { text: 'Your session has ended. Sign in again.', retry: false },
  'sign-in-refused': {
    text: 'The sign-in was refused by your identity provider. Check your name and password.',
    retry: false,
  },
  'sign-in-again': {
    text: 'For your safety, sign in once more before you change how you sign in.',
    retry: false,
  },
  'account-taken': {
    text: 'This account belongs to somebody here already. Ask your administrator.',
    retry: false,
  },
  'not-a-member': {
    text: 'This account does not belong to anyone here. Ask your administrator to add it.',
    retry: false,
  },
  'origin-not-allowed': {
    text: 'This web site may not use this service. Ask the administrator to allow it.',
    retry: false,
  },
  // People and providers
  'invalid-address': { text: 'This is not an address. Write it like name@company.example.', retry: false },
  'unknown-address': { text: 'Nobody has this address. Check the spelling.', retry: false },
  'provider-unknown': {
    text: 'No Parley service was found for this company. Check the part after the @.',
    retry: false,
  },
  'provider-unreachable': {
    text: 'The other company’s service does not answer. Try again in a few minutes.',
    retry: true,
  },
  'provider-refused': {
    text: 'The other company’s service refused the connection. Ask your administrator.',
    retry: false,
  },
  'provider-untrusted': {
    text: 'The other service could not prove that it speaks for this company. Nothing was sent to it.',
    retry: false,
  },
  'not-permitted': {
    text: 'Your company’s rules do not permit this call. Ask your administrator.',
    retry: false,
  },
  'not-allowed': { text: 'You are not allowed to do this.', retry: false },
  // Guests
  'not-for-guests': { text: 'Guests cannot do this. Sign in with your company to do more.', retry: false },
  'link-invalid': {
    text: 'There is no such invitation. Ask for the link again: part of it may be missing.',
    retry: false,
  },
  'link-ended': { text: 'This invitation is over. Ask for a new link.', retry: false },
  'not-hosted-here': {
    text: 'Only people of the company that hosts this call can invite by link. Ask one of them.',
    retry: false,
  },
  'not-let-in': { text: 'The organiser has not let you in.', retry: false },
  'not-admitted': { text: 'You have not been let in yet. Wait until the organiser does.', retry: false },
  // Conversations and calls
  'unknown-conversation': { text: 'This conversation does not exist, or you are not part of it.', retry: false },
  'not-in-call': { text: 'You are not in this call any more.', retry: false },
  'already-in-call': { text: 'You are already in a call on this device. Leave it first.', retry: false },
  'already-invited': { text: 'This person is already in the call or being rung.', retry: false },
  'answered-elsewhere': { text: 'The call was answered on another device.', retry: false },
  'call-ended': { text: 'The call is over.', retry: false },
  'conversation-full': { text: 'The conversation has reached its largest number of people.', retry: false },
  'history-conflict': { text: 'The conversation changed in the same moment. Try again.', retry: true },
  // Media and conference
  'no-microphone': {
    text: 'No microphone or camera can be used. Allow it in the browser’s address bar, then try again.',
    retry: true,
  },
  'no-screen': {
    text: 'Nothing was shared. Choose a screen or window when the browser asks, or allow it in the system’s settings.',
    retry: true,
  },
  'media-not-connected': {
    text: 'Sound and picture could not be connected. A firewall may block them: try another network.',
    retry: true,
  },
  'no-conference-available': {
    text: 'No conference service is free right now, so nobody can be added. Your call goes on; try again later.',
    retry: true,
  },
  'servers-forbidden': {
    text: 'This call may not go through a server, so nobody can be added. Start a new call that may.',
    retry: false,
  },
  'direct-forbidden': {
    text: 'Calls of your company always go through the conference service. Call without asking for a direct path.',
    retry: false,
  },
  'conference-unreachable': {
    text: 'Your network blocks the conference service, so nobody can be added to this call. Try another network.',
    retry: true,
  },
  'ticket-invalid': { text: 'The pass for this conference is not valid. Leave the call and join again.', retry: false },
  'unknown-room': { text: 'This conference room does not exist any more.', retry: false },
  'invalid-session-description': {
    text: 'The media description could not be used. Update the app or the browser.',
    retry: false,
  },
  'identity-failed': {
    text: 'It could not be proven who this is, so there is no call. Reach the person by other means.',
    retry: false,
  },
  'not-available': {
    text: 'The conference service in use cannot do this. Ask your administrator for one that can.',
    retry: false,
  },
  'conference-full': {
    text: 'The conference service is full just now. What goes on there goes on; try again in a few minutes.',
    retry: true,
  },
  'recording-consent-needed': {
    text: 'This call is recorded. Say whether you agree; then you come in.',
    retry: false,
  },
  'recording-storage-full': {
    text: 'There is no space for another recording. Ask your administrator to make some.',
    retry: true,
  },
  'recording-gone': { text: 'This recording does not exist any more, or you were not part of it.', retry: false },
  'engine-lost': { text: 'The conference service stopped. The call is being moved.', retry: true },
  'timed-out': { text: 'No answer came in time. Try again.', retry: true },
} as const satisfies Record<string, { text: string; retry: boolean }>;

export type ErrorCode = keyof typeof errorCatalogue;
const codes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];
export const errorCodeSchema = z.enum(codes);

/** An error a person or program can act on. `details` is for developers and never holds a secret. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  readonly details: string | undefined;
  constructor(code: ErrorCode, details?: string, options?: ErrorOptions) {
    super(errorCatalogue[code].text, options);
    this.code = code;
    this.details = details;
  }
  /** True if the same request may succeed later, unchanged. */
  get retry(): boolean {
    return errorCatalogue[this.code].retry;
  }
}

/** Whatever was thrown, as a ParleyError: unknown throws become `internal-error` with the original as `cause`. */
export function asParleyError(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  return new ParleyError('internal-error', undefined, { cause: thrown });
}
