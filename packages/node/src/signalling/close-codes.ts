// The codes with which a node closes a device socket. A client decides by the code alone whether to come back and how.
// 4000-4999 are free for applications (RFC 6455 section 7.4.2); the others are from its section 7.4.1.

export const closeCodes = {
  /** After `session.bye`. Nothing follows. */
  done: 1000,
  /** The node goes down (after `session.ended` with `shutting-down`). Connect again a little later, with `resume`. */
  goingAway: 1001,
  /** A binary frame: only text is spoken here. */
  unsupportedData: 1003,
  /** No `session.hello` in time, or messages without end after `too-many-requests`. Connect again and resume. */
  policy: 1008,
  /** A frame larger than the socket takes at all (sent by `ws` itself). */
  tooLarge: 1009,
  /** The node could not answer `session.hello`. Connect again a little later. */
  internal: 1011,
  /** This person has too many sockets open that have not said hello. */
  tryLater: 1013,
  /** After `session.ended` with any other reason: the device is gone, and signing in again is the way back. */
  ended: 4000,
  /** The device fell too far behind and is gone: connect again with `session.hello` without `resume`. */
  startAfresh: 4001,
  /** The same device has resumed on another socket, which goes on in this one's place. Do nothing. */
  replaced: 4002,
} as const;

/**
 * Whether a close seen from the device means that its page is gone for good (R9). A browser sends 1001 when a tab is
 * closed or navigates, and no code at all (1005) for a plain `close()`.
 */
export function isCleanClose(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}
