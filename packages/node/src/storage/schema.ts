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
}

/** Sign-ins that are under way; a row is deleted when its answer arrives, so each works once. */
export interface SignInAttemptsTable {
  state: string;
  nonce: string;
  /** 1: the browser chose the nonce, so that the ID token names its key. */
  nonce_given: number;
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
  /** For the proofs that this browser makes; null if the sign-in named no key of its own. No sign-in by itself. */
  id_token: string | null;
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

export interface Database {
  people: PeopleTable;
  identities: IdentitiesTable;
  sign_in_attempts: SignInAttemptsTable;
  web_sessions: WebSessionsTable;
  devices: DevicesTable;
  contacts: ContactsTable;
  conversations: ConversationsTable;
  events: EventsTable;
  deliveries: DeliveriesTable;
}
