// Every bound of the protocol in one place, so that both ends, the schemas and the documents agree.

/** Largest frame on a device socket or a link, in bytes. */
export const MAX_FRAME_BYTES = 256 * 1024;
/** Largest session description in a message, in characters. */
export const MAX_SDP = 64 * 1024;
/** Longest proof of identity, in characters: it holds an ID token. */
export const MAX_PROOF = 16_384;
/** Longest statement of a domain (a compact JWS), in characters. */
export const MAX_STATEMENT = 4096;
/** Most ICE candidates in one message. */
export const MAX_CANDIDATES = 32;
/** Most people in one conversation, those who left included. */
export const MAX_PARTICIPANTS = 64;
/** Most guests who wait to be let into one call. */
export const MAX_WAITING = 16;
/** How long a guest waits to be let in before being sent away, in seconds. */
export const LOBBY_SECONDS = 600;
/** Within how long people may be asked to prove who they are, in seconds: from, to, and unless somebody says otherwise. */
export const IDENTIFY_SECONDS = { least: 15, most: 600, usual: 120 } as const;
/** Longest chat message, in characters. */
export const MAX_TEXT = 4000;
/** Most events in one message; more follow in the next. */
export const MAX_EVENTS_PER_MESSAGE = 100;
/** Chat messages a client keeps at hand; the rest stays with the host. */
export const MAX_MESSAGES_KEPT = 200;
/** Recordings of one conversation that are kept in mind. */
export const MAX_RECORDINGS = 32;
/** Notifications a node keeps for a device that is away; one more and the device starts afresh. */
export const MAX_UNSENT = 512;
/** Requests one device or link may have unanswered at a time. */
export const MAX_PENDING_REQUESTS = 64;
