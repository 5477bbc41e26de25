// The tables of a provider's database, as Kysely's types. The same shape on every database; the migrations make it.
import type { Address, ConversationId, DeviceId, Domain } from '@parley/protocol';

/** People of this provider: those listed in the configuration and those created at their first sign-in. */
export interface PeopleTable {
  address: Address;
  name: string;
  /** Milliseconds since 1970, like every time in these tables. */
  created_at: number;
}

/** Which person an identity at an issuer leads to (R2). */
export interface IdentitiesTable {
  /** Id of the issuer in the configuration, not its URL. */
  issuer_id: string;
  subject: string;
  address: Address;
  /** What the account is called there, for its owner to read; null unless they linked it themselves. */
  account: string | null;
  /** When its owner linked it; null where the configuration, or the issuer, says whose it is. */
  linked_at: number | null;
  /** When somebody last signed in with it. */
  used_at: number | null;
}

/** Sign-ins that are under way; a row is deleted when its answer arrives, so each works once. */
export interface SignInAttemptsTable {
  state: string;
  nonce: string;
  /** 1: the browser chose the nonce, so that the ID token names its key. */
  nonce_given: number;
  /** 1: the issuer was asked for the password, whoever it still knew. */
  prompted: number;
  /** The web session that wants the account linked to its person; null for a sign-in. */
  link_for: string | null;
  verifier: string;
  issuer_id: string;
  return_to: string;
  /** The origin at which it began, to which the browser returns. */
  origin: string;
  expires_at: number;
}

export interface WebSessionsTable {
  /** SHA-256 of the token in the cookie, in base64url: who reads the database cannot sign in with it. */
  token_hash: string;
  address: Address;
  issuer_id: string;
  created_at: number;
  expires_at: number;
  last_seen_at: number;
  user_agent: string;
  /** The account at the issuer (`sub`); null for sessions from before it was kept. */
  subject: string | null;
  /** When its person gave a password or the like at the issuer, as far as that is known. */
  authenticated_at: number | null;
  /** For the proofs that this browser makes; null if the sign-in named no key of its own. No sign-in by itself. */
  id_token: string | null;
  /** Of a guest: the one conversation that this session is good for, the link they came by, and the origin it is bound to. */
  conversation: ConversationId | null;
  link: string | null;
  origin: string | null;
}

/** Links by which guests come into a conversation hosted here; withdrawn ones have expired. */
export interface GuestLinksTable {
  /** As those in the call see it; it lets nobody in. */
  id: string;
  /** SHA-256 of what stands in the URL's fragment, in base64url. */
  secret_hash: string;
  conversation: ConversationId;
  made_by: Address;
  lobby: number;
  created_at: number;
  expires_at: number;
}

/** Registered devices, so that they are known again after a restart; deleted when they go for good. */
export interface DevicesTable {
  id: DeviceId;
  address: Address;
  /** The web session it belongs to, by its token's hash. */
  web_session: string;
  /** SHA-256 of the resume tokens that are good, in base64url, the newest first, with a blank between them. */
  tokens: string;
  /** When it last said hello. */
  seen_at: number;
}

/** Whom a person has in the list, of any company. */
export interface ContactsTable {
  owner: Address;
  address: Address;
  name: string;
  company: string;
}

export interface ConversationsTable {
  id: ConversationId;
  host: string;
  created_at: number;
  ended_at: number | null;
  /** 1 while a call goes on. */
  active: number;
  /** Whether this provider hosts it or keeps a copy for its own people. */
  role: 'host' | 'copy';
}

export interface EventsTable {
  conversation: ConversationId;
  n: number;
  at: number;
  /** The event as JSON text. */
  body: string;
}

/** How far another provider has received a conversation hosted here. */
export interface DeliveriesTable {
  conversation: ConversationId;
  domain: Domain;
  /** Number of the last event it has confirmed; 0 for none. */
  acknowledged: number;
}

/** The file of a recording that was made here. */
export interface RecordingsTable {
  id: string;
  conversation: ConversationId;
  /** Its number within the conversation. */
  n: number;
  room: string;
  /** Its name in the folder of recordings. */
  file: string;
  bytes: number;
  created_at: number;
  expires_at: number;
}

/** Who of ours is in which recording, wherever it was made. */
export interface RecordingRightsTable {
  conversation: ConversationId;
  n: number;
  address: Address;
  /** The names of all who are in it, as JSON. */
  names: string;
  title: string | null;
  started_at: number;
  bytes: number;
  milliseconds: number;
  expires_at: number;
}

export interface Database {
  people: PeopleTable;
  identities: IdentitiesTable;
  sign_in_attempts: SignInAttemptsTable;
  web_sessions: WebSessionsTable;
  guest_links: GuestLinksTable;
  devices: DevicesTable;
  contacts: ContactsTable;
  conversations: ConversationsTable;
  events: EventsTable;
  deliveries: DeliveriesTable;
  recordings: RecordingsTable;
  recording_rights: RecordingRightsTable;
}
